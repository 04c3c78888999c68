// Makes meetings through the AWS SDK, as a customer's backend would.
import { randomUUID } from 'node:crypto';
import { BatchCreateAttendeeCommand, ChimeSDKMeetingsClient, CreateMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { credentials } from './server.mjs';

/** The stock AWS client pointed at the server; the legacy API differs in its path only. */
export function sdk(server, { legacy = false } = {}) {
  const requestHandler = server.certificate && { httpsAgent: { ca: server.certificate.text } };
  const endpoint = server.url + (legacy ? '/legacy' : '');
  return new ChimeSDKMeetingsClient({ region: 'us-east-1', endpoint, credentials, requestHandler });
}

/** Creates a meeting and, in one call, its attendees. */
export async function makeMeeting(server, names, { meeting: extra = {}, capabilities = {}, legacy = false } = {}) {
  const client = sdk(server, { legacy });
  const { Meeting } = await client.send(
    new CreateMeetingCommand({ ClientRequestToken: randomUUID(), MediaRegion: 'us-east-1', ExternalMeetingId: 'e2e', ...extra }),
  );
  const { Attendees, Errors } = await client.send(
    new BatchCreateAttendeeCommand({
      MeetingId: Meeting.MeetingId,
      Attendees: names.map(name => ({ ExternalUserId: name, ...(capabilities[name] && { Capabilities: capabilities[name] }) })),
    }),
  );
  if (Errors.length) throw new Error(`batch errors: ${JSON.stringify(Errors)}`);
  return { client, meeting: Meeting, attendees: Object.fromEntries(Attendees.map(a => [a.ExternalUserId, a])) };
}

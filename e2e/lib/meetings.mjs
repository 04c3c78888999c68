// Makes meetings through the AWS SDK, as a customer's backend would.
import { randomUUID } from 'node:crypto';
import { BatchCreateAttendeeCommand, ChimeSDKMeetingsClient, CreateMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { credentials } from './server.mjs';

/** The stock AWS client pointed at the server. */
export function sdk(server) {
  const requestHandler = server.certificate && { httpsAgent: { ca: server.certificate.text } };
  return new ChimeSDKMeetingsClient({ region: 'us-east-1', endpoint: server.url, credentials, requestHandler });
}

/** Creates a meeting and, in one call, its attendees. */
export async function makeMeeting(server, names, { meeting: extra = {}, capabilities = {} } = {}) {
  const client = sdk(server);
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

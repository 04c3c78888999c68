// A backend: it serves the page, and to everybody who gives a title and a name the meeting of that title and an attendee in it.
// It knows nothing of Carillon: AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS leads its SDK there, AWS_ACCESS_KEY_ID and so on are its keys.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join as path } from 'node:path';
import { ChimeSDKMeetingsClient, CreateAttendeeCommand, CreateMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings';

const chime = new ChimeSDKMeetingsClient({ region: process.env.AWS_REGION ?? 'us-east-1' });
const folder = process.argv[2] ?? import.meta.dirname; // where the page is
const files = { '/': ['index.html', 'text/html'], '/bundle.js': ['bundle.js', 'text/javascript'] };

async function join({ title, name }) {
  // The same token gives the same meeting for as long as it is active.
  const { Meeting } = await chime.send(new CreateMeetingCommand({ ClientRequestToken: title, ExternalMeetingId: title, MediaRegion: 'us-east-1' }));
  const { Attendee } = await chime.send(new CreateAttendeeCommand({ MeetingId: Meeting.MeetingId, ExternalUserId: name }));
  return JSON.stringify({ Meeting, Attendee });
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  try {
    const [file, type] = files[url.pathname] ?? [];
    if (file) response.setHeader('content-type', type).end(await readFile(path(folder, file)));
    else if (request.method === 'POST' && url.pathname === '/join') response.end(await join(Object.fromEntries(url.searchParams)));
    else response.writeHead(404).end();
  } catch (error) {
    response.writeHead(502).end(`${error.name}: ${error.message}`);
  }
});
server.listen(process.env.PORT ?? 3000, 'localhost', () => console.log(`open http://localhost:${server.address().port}/`));

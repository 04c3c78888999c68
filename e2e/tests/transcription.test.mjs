import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StartMeetingTranscriptionCommand, StopMeetingTranscriptionCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { Attendee } from '../lib/attendee.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { servePage } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { grammar, speak, startRecogniser } from '../lib/vosk.mjs';

const says = {
  ada: { text: 'telephone computer elephant', voice: 'slt' },
  bob: { text: 'wednesday banana hospital', voice: 'kal16' },
};

test('what two people say is read, by the other, with the right name', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-speech-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const engine = await startRecogniser(await grammar(directory, Object.values(says).flatMap(s => s.text.split(' '))));
  t.after(() => engine.stop());
  const server = await startServer(['--transcription-vosk', engine.url]);
  t.after(() => server.stop());
  const page = await servePage();
  t.after(() => page.close());
  const made = await makeMeeting(server, Object.keys(says));
  const MeetingId = made.meeting.MeetingId;

  const people = {};
  for (const [name, { text, voice }] of Object.entries(says)) {
    const file = await speak(directory, name, text, voice);
    const browser = await launchChromium([`--use-file-for-fake-audio-capture=${file}`]);
    t.after(() => browser.close());
    people[name] = await Attendee.open(browser, page, name);
    await people[name].join(made, name, { options: { microphone: true } });
  }
  await made.client.send(new StartMeetingTranscriptionCommand({
    MeetingId, TranscriptionConfiguration: { EngineTranscribeSettings: { LanguageCode: 'en-US' } },
  }));
  for (const [name, reader] of [['ada', people.bob], ['bob', people.ada], ['ada', people.ada]]) {
    const { id } = people[name];
    const { transcripts } = await reader.until(
      `what ${name} says`, s => s.transcripts.some(r => r.attendee === id && r.text === says[name].text && !r.partial) && s, 60000,
    );
    for (const r of transcripts) {
      const speaker = Object.keys(people).find(who => people[who].id === r.attendee);
      assert.equal(r.external, speaker, 'the external user id');
      assert.ok(r.words.every(w => w.attendee === r.attendee && w.start <= w.end && w.end <= Date.now() && w.start > Date.now() - 300_000), JSON.stringify(r));
      assert.ok(!Object.keys(says).some(who => who !== speaker && r.text.includes(says[who].text)), `${speaker} is to have said ${r.text}`);
    }
    const finals = transcripts.filter(r => !r.partial).map(r => r.id);
    assert.equal(new Set(finals).size, finals.length, 'one final result each');
  }
  await made.client.send(new StopMeetingTranscriptionCommand({ MeetingId }));
  for (const reader of Object.values(people)) {
    await reader.event('transcription', { type: 'stopped' });
    const states = (await reader.snapshot()).events.filter(e => e.name === 'transcription').map(e => e.type);
    assert.deepEqual(states, ['started', 'stopped']);
  }
});

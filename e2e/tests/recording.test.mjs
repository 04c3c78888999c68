import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, afterEach, test } from 'node:test';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import {
  apart, beginning, clicks, concatenates, decodes, files, flashes, joinUp, level, pipelines, probe, record, recorded, stopped,
} from '../lib/recordings.mjs';
import { openStore } from '../lib/store.mjs';

const store = await openStore();
after(() => store.close());
const f = fixture(store.flags);
afterEach(() => f.closeAll());

/** How long the call is recorded. */
const seconds = Number(process.env.RECORDED_SECONDS ?? 15);

/** How far a click and a flash may be apart that were sent together, in seconds. */
const together = 0.08;

/**
 * How many may be further apart: on a busy machine a page stands still now and then, between its click and its flash,
 * which no recording can mend. A minute has one in ten; in less than that one standstill weighs more.
 */
const spared = Math.ceil(seconds / (seconds < 60 ? 4 : 10));

/** How far a recording may be longer or shorter than what it records, in seconds. */
const exactly = 0.1;

/** By how much longer ffmpeg may make what it joins: it guesses how long the last picture is shown, and the share has ten a second. */
const guessed = 0.1;

const folder = join(store.directory, 'bucket', 'prefix');
const sum = list => list.reduce((a, b) => a + b, 0);

test('two people who talk, show themselves and share are recorded, piece by piece and joined, and it plays', async t => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { options: { clapper: true } });
  await bob.join(made, 'bob', { tone: 400, options: { volume: 0.02 } }); // softer than Ada, who is to be the speaker
  await ada.call('startClapper');
  await bob.call('startCamera', { fps: 15 });
  await bob.call('startContent', {});
  await bob.sees(ada.id);
  await ada.sees(bob.id);
  const pipeline = await record(f.server, made.meeting.MeetingId);
  await ada.until('the recording is in the roster', s => Object.values(s.roster).some(r => r.externalUserId.startsWith('aws:MediaPipeline-')));
  await ada.av('realtimeSendDataMessage', 'chat', 'hello', 0);
  await new Promise(done => setTimeout(done, seconds * 1000));
  await pipelines(f.server, 'delete_media_capture_pipeline', { MediaPipelineId: pipeline.MediaPipelineId });
  await stopped(f.server, pipeline.MediaPipelineId);

  const length = await recorded(join(folder, 'meeting-events'));
  assert.ok(length > seconds, `${length} s were recorded of ${seconds}`);
  const streams = [`${ada.id}.mp4`, `${bob.id}.mp4`, `${bob.id}#content.mp4`];
  await checkPieces(length, streams);
  assert.match(await readFile((await files(join(folder, 'data-channel')))[0], 'utf8'), /"Topic":"chat","Data":"hello"/);

  const id = await joinUp(f.server, pipeline.MediaPipelineArn);
  const joined = join(store.directory, 'bucket', 'joined');
  const sound = join(joined, 'audio', `${id}.mp4`);
  const films = streams.map(name => join(joined, 'video', `${id}-${name}`));
  for (const path of [sound, ...films]) {
    await decodes(path);
    const { seconds: long, codecs } = await probe(path);
    assert.ok(Math.abs(long - length) < exactly, `${path} has ${long} s of ${length}`);
    assert.deepEqual(codecs, path === sound ? ['opus', 'h264'] : ['h264']);
  }
  assert.ok((await level(sound, 400)) > -60, 'Bob is not heard');
  const clicked = await clicks(sound);
  assert.ok(clicked.length > seconds - 2, `${clicked.length} clicks`);
  for (const path of [sound, films[0]]) {
    const offsets = apart(clicked, await flashes(path));
    const milli = s => `${Math.round(s * 1000)} ms`;
    t.diagnostic(`${path === sound ? 'with the sound' : 'the camera'}: ${offsets.length} flashes, ${milli(offsets[offsets.length >> 1])} apart from their clicks, at worst ${milli(offsets.at(-1))}`);
    assert.ok(offsets.length > seconds - 6, `${offsets.length} flashes in ${path}`);
    assert.ok(Math.abs(offsets.at(-1 - spared)) < together, `flashes of ${path} are after clicks by ${offsets.map(milli)}`);
  }
  for (const path of [sound, films[2]]) await plays(path);
});

/** Looks at every piece: it decodes, it begins where the one before it ends, and ffmpeg joins them. */
async function checkPieces(length, streams) {
  const sounds = await files(join(folder, 'audio'));
  const films = await files(join(folder, 'video'));
  for (const path of [...sounds, ...films]) await decodes(path);
  for (const list of [sounds, ...streams.map(who => films.filter(path => path.endsWith(who)))]) {
    const probed = await Promise.all(list.map(probe));
    list.slice(1).forEach((path, i) => {
      const gap = beginning(path) - beginning(list[i]) - probed[i].seconds;
      assert.ok(Math.abs(gap) < 0.005, `${path} begins ${gap} s after the end of the one before`);
    });
    const total = sum(probed.map(p => p.seconds));
    if (list === sounds) assert.ok(Math.abs(total - length) < exactly, `${total} s of sound of ${length}`);
    const shown = list.filter((_, i) => probed[i].codecs.includes('h264')); // sound begins before its picture
    assert.ok(shown.length >= seconds / 5 - 1, `${shown.length} pieces of ${list.length} with pictures`);
    const out = join(store.directory, 'joined-by-ffmpeg.mp4');
    await concatenates(shown, out);
    await decodes(out);
    const [by, of] = [(await probe(out)).seconds, sum(probed.filter(p => p.codecs.includes('h264')).map(p => p.seconds))];
    assert.ok(Math.abs(by - of) < exactly + guessed, `ffmpeg joined ${of} s to ${by}`);
  }
}

/** Plays a file in the browser to its end. */
async function plays(path) {
  const tab = await f.browser.newPage();
  await tab.goto(pathToFileURL(path).href);
  const played = await tab.evaluate(async () => {
    const video = document.querySelector('video');
    video.muted = true;
    video.playbackRate = 4;
    const ended = new Promise((done, fail) => { video.onended = done; video.onerror = () => fail(new Error(video.error?.message)); });
    await video.play();
    await ended;
    // A browser with too much to do sends smaller pictures.
    return { width: video.videoWidth, at: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames };
  });
  await tab.close();
  assert.ok(played.width > 0 && played.frames > 10 && played.at > seconds, JSON.stringify(played));
}

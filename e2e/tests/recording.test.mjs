import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { clicks, concatenates, decodes, files, flashes, joinUp, pipelines, probe, record, stopped } from '../lib/recordings.mjs';

const recordings = await mkdtemp(join(tmpdir(), 'carillon-recordings-'));
after(() => rm(recordings, { recursive: true, force: true }));
const f = fixture(['--recordings', recordings]);
afterEach(() => f.closeAll());

const seconds = 24;

test('two people and a share are recorded, piece by piece and joined, and the result plays', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { options: { clapper: true } });
  await bob.join(made, 'bob');
  await ada.call('startClapper');
  await bob.call('startCamera', { fps: 15 });
  await bob.call('startContent', {});
  await bob.sees(ada.id);
  const pipeline = await record(f.server, made.meeting.MeetingId);
  await ada.until('the recording is in the roster', s => Object.values(s.roster).some(r => r.externalUserId.startsWith('aws:MediaPipeline-')));
  const begun = Date.now();
  await ada.av('realtimeSendDataMessage', 'chat', 'hello', 0);
  await new Promise(done => setTimeout(done, seconds * 1000));
  await pipelines(f.server, 'delete_media_capture_pipeline', { MediaPipelineId: pipeline.MediaPipelineId });
  const length = (Date.now() - begun) / 1000;
  await stopped(f.server, pipeline.MediaPipelineId);

  const folder = join(recordings, 'bucket', 'prefix');
  const [sounds, films] = [await files(join(folder, 'audio')), await files(join(folder, 'video'))];
  for (const path of [...sounds, ...films]) await decodes(path);
  const whole = (await Promise.all(sounds.map(probe))).reduce((n, p) => n + p.seconds, 0);
  assert.ok(Math.abs(whole - length) < 3, `${whole} s of sound of ${length} s`);
  for (const who of [`${ada.id}.mp4`, `${bob.id}.mp4`, `${bob.id}#content.mp4`]) {
    const mine = films.filter(path => path.endsWith(who));
    const total = (await Promise.all(mine.map(probe))).reduce((n, p) => n + p.seconds, 0);
    assert.ok(Math.abs(total - whole) < 3, `${total} s of ${who}, ${whole} s of sound`);
    await concatenates(mine, join(recordings, 'film.mp4'));
  }
  await concatenates(sounds.filter((_, i) => i > 0), join(recordings, 'sound.mp4'));
  assert.match(await readFile((await files(join(folder, 'data-channel')))[0], 'utf8'), /"Topic":"chat","Data":"hello"/);

  const id = await joinUp(f.server, pipeline.MediaPipelineArn);
  const joined = join(recordings, 'bucket', 'joined', 'audio', `${id}.mp4`);
  await decodes(joined);
  const { seconds: long, codecs } = await probe(joined);
  assert.ok(Math.abs(long - whole) < 0.1, `${long} s joined of ${whole} s`);
  assert.deepEqual(codecs, ['opus', 'h264']);
  const [heard, seen] = [await clicks(joined), await flashes(joined)];
  for (const [what, list] of Object.entries({ clicks: heard, flashes: seen })) assert.ok(list.length >= seconds / 2 - 4, `${list.length} ${what}`);
  await plays(joined);
});

/** Plays a file in the browser. */
async function plays(path) {
  const tab = await f.browser.newPage();
  const data = `data:video/mp4;base64,${(await readFile(path)).toString('base64')}`;
  const played = await tab.evaluate(async src => {
    const video = document.createElement('video');
    video.muted = true;
    video.src = src;
    document.body.append(video);
    await new Promise((done, fail) => { video.onloadeddata = done; video.onerror = () => fail(new Error(video.error?.message)); });
    video.currentTime = 10;
    await new Promise(done => (video.onseeked = done));
    await video.play();
    await new Promise(done => setTimeout(done, 1500));
    return { width: video.videoWidth, at: video.currentTime, duration: video.duration };
  }, data);
  await tab.close();
  // A browser with too much to do sends smaller pictures.
  assert.ok(played.width > 0 && played.at > 10.2, JSON.stringify(played));
}

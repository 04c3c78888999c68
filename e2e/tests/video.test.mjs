import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { waitFor } from '../lib/wait.mjs';

const f = fixture();
afterEach(() => f.closeAll());

test('video decodes both ways, after off and on again, and for a late joiner', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await ada.call('startCamera', { hue: 10 });
  await bob.sees(ada.id);
  await bob.call('startCamera', { hue: 120 }); // starts a camera after having viewed
  await ada.sees(bob.id);

  await ada.call('stopCamera');
  await bob.until('the tile is gone', s => !s.tiles.some(t => t.attendeeId === ada.id));
  await ada.call('startCamera', { hue: 50 });
  await bob.sees(ada.id);
  await ada.sees(bob.id);

  const [cleo] = await f.open('cleo');
  await cleo.join(made, 'cleo');
  await cleo.sees(ada.id);
  await cleo.sees(bob.id);
  const snapshot = await cleo.snapshot();
  assert.deepEqual(snapshot.tiles.filter(t => !t.local && t.attendeeId).map(t => t.externalUserId).sort(), ['ada', 'bob']);
});

for (const [codec, mime] of [['h264ConstrainedBaselineProfile', 'video/H264'], ['vp9Profile0', 'video/VP9'], ['vp8', 'video/VP8']]) {
  test(`camera in ${mime}`, async () => {
    const made = await makeMeeting(f.server, ['ada', 'bob']);
    const [ada, bob] = await f.open('ada', 'bob');
    await ada.join(made, 'ada', { options: { codec } });
    await bob.join(made, 'bob');
    await ada.call('startCamera');
    await bob.sees(ada.id, 15);
    const used = await bob.call('codecs');
    assert.ok(used.includes(mime), `received ${used}`);
  });
}

test('simulcast: a viewer switches between layers without a new tile', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const [ada, bob, cleo] = await f.open('ada', 'bob', 'cleo');
  await ada.join(made, 'ada', { options: { simulcast: true } });
  await bob.join(made, 'bob', { options: { priority: true } });
  await cleo.join(made, 'cleo');
  await ada.call('startCamera', { width: 1280, height: 720 });
  await cleo.call('startCamera');
  await bob.sees(ada.id);
  await bob.call('prefer', [{ attendeeId: ada.id, priority: 1, size: 'Low' }]);
  const low = await waitFor('a small picture', async () => {
    const p = (await bob.call('pictures'))[ada.id];
    return p && p.width > 0 && p.width <= 640 && p;
  }, { timeout: 60000, explain: async () => JSON.stringify(await bob.call('pictures')) });
  await bob.call('prefer', [{ attendeeId: ada.id, priority: 1, size: 'High' }]);
  await waitFor('a larger picture', async () => {
    const p = (await bob.call('pictures'))[ada.id];
    return p && p.width > low.width;
  }, { timeout: 60000, explain: async () => JSON.stringify(await bob.call('pictures')) });
  await bob.sees(ada.id);
});

test('scalable VP9 with three parties decodes', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const [ada, bob, cleo] = await f.open('ada', 'bob', 'cleo');
  await ada.join(made, 'ada', { options: { svc: true } });
  await bob.join(made, 'bob');
  await cleo.join(made, 'cleo');
  await ada.call('startCamera', { width: 1280, height: 720 });
  await bob.sees(ada.id, 30);
  await cleo.sees(ada.id, 30);
});

test('pausing and resuming a tile', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada');
  await bob.join(made, 'bob');
  await ada.call('startCamera');
  await bob.sees(ada.id);
  await bob.call('pauseTile', ada.id, true);
  let last = -1;
  await waitFor('the picture stands still', async () => {
    const now = (await bob.call('received', ada.id));
    const still = now === last;
    last = now;
    if (!still) await new Promise(done => setTimeout(done, 1500));
    return still;
  });
  await bob.call('pauseTile', ada.id, false);
  await bob.sees(ada.id);
});

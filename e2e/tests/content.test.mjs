import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';

const f = fixture();
afterEach(() => f.closeAll());

test('a screen share starts, is seen, stops, and starts again beside a camera', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await ada.call('startCamera');
  await ada.call('startContent', { tone: 1760 });
  await ada.event('contentStart');
  await bob.event('presence', { id: `${ada.id}#content`, present: true, externalUserId: 'ada' });
  await bob.sees(`${ada.id}#content`);
  await bob.sees(ada.id);
  await bob.hears([440, 1760], [880]);
  await ada.hears([880], [440, 1760]); // not her own share

  await ada.call('stopContent');
  await ada.event('contentStop');
  await bob.event('presence', { id: `${ada.id}#content`, present: false });
  await bob.until('the shared tile is gone', s => !s.tiles.some(t => t.content));

  await ada.call('startContent');
  await ada.event('contentStart', {}, { count: 2 });
  await bob.sees(`${ada.id}#content`);
});

test('a screen share in AV1', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada');
  await bob.join(made, 'bob');
  await ada.call('startContent', { codec: 'av1Main' });
  await bob.sees(`${ada.id}#content`, 15);
  assert.deepEqual(await bob.call('codecs'), ['video/AV1']);
});

test('the third share at the same time is refused', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const attendees = await f.open('ada', 'bob', 'cleo');
  for (const a of attendees) await a.join(made, a.name);
  const [ada, bob, cleo] = attendees;
  await ada.call('startContent', { width: 320, height: 240, fps: 5 });
  await bob.call('startContent', { width: 320, height: 240, fps: 5 });
  await ada.event('contentStart');
  await bob.event('contentStart');
  await cleo.call('startContent', { width: 320, height: 240, fps: 5 });
  await cleo.event('contentStop');
  const { events } = await cleo.snapshot();
  assert.equal(events.filter(e => e.name === 'contentStart').length, 0);
});

test('a share ends with its base attendee', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada');
  await bob.join(made, 'bob');
  await ada.call('startContent');
  await bob.sees(`${ada.id}#content`);
  const { DeleteAttendeeCommand } = await import('@aws-sdk/client-chime-sdk-meetings');
  await made.client.send(new DeleteAttendeeCommand({ MeetingId: made.meeting.MeetingId, AttendeeId: ada.id }));
  await ada.event('didStop', { code: 'AudioAttendeeRemoved' });
  await bob.event('presence', { id: `${ada.id}#content`, present: false });
  await bob.event('presence', { id: ada.id, present: false });
});

// The same attendee comes back as another client: what the page that is gone
// shared is gone with it, at once and for everybody. A second tab while the
// first is open is another story, in endings.test.mjs.
const comesBack = {
  'reloading the page': async ada => {
    await ada.reload();
    return ada;
  },
  'following a link and coming back': async ada => {
    await ada.tab.goto('about:blank');
    await ada.tab.goBack();
    await ada.ready();
    return ada;
  },
  'closing the tab and opening another': async ada => {
    await ada.tab.close();
    return (await f.open('ada'))[0];
  },
};
for (const [how, comeBack] of Object.entries(comesBack)) {
  test(`${how} ends a share`, async () => {
    const made = await makeMeeting(f.server, ['ada', 'bob']);
    const [ada, bob] = await f.open('ada', 'bob');
    await ada.join(made, 'ada');
    await bob.join(made, 'bob');
    const content = `${ada.id}#content`;
    await ada.call('startContent', { width: 320, height: 240 });
    await ada.event('contentStart');
    await bob.sees(content);

    const again = await comeBack(ada);
    await again.join(made, 'ada');
    await again.event('presence', { id: bob.id, present: true });
    const met = await again.snapshot();
    assert.deepEqual(Object.keys(met.roster).filter(id => id.endsWith('#content')), [], 'the share of the page that is gone is in the roster');
    assert.deepEqual(met.events.filter(e => e.name === 'contentStart'), [], 'the new page is told of a share that it does not have');
    await bob.event('presence', { id: content, present: false }, { timeout: 5000 }); // a dropped client is waited for longer
    await bob.until('the shared tile is gone', s => !s.tiles.some(t => t.content));

    await again.call('startContent', { width: 320, height: 240 });
    await bob.sees(content);
    await again.event('contentStart');
    assert.equal((await again.snapshot()).events.filter(e => e.name === 'contentStart').length, 1);
  });
}

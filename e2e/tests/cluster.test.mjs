import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Attendee } from '../lib/attendee.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { startCluster } from '../lib/cluster.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { servePage } from '../lib/page.mjs';

let cluster, page, browser;
const opened = [];
before(async () => ([cluster, page, browser] = await Promise.all([startCluster(), servePage(), launchChromium()])));
after(async () => {
  await browser?.close();
  await page?.close();
  await cluster?.stop();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(a => a.tab.close()));
  await cluster.restore();
});

/** Two people in a call, who hear each other, and the node that runs it. */
async function call() {
  const made = await makeMeeting(cluster, ['ada', 'bob']);
  const people = [];
  for (const [name, tone] of [['ada', 440], ['bob', 880]]) {
    const attendee = await Attendee.open(browser, page, name);
    opened.push(attendee);
    people.push(attendee);
    await attendee.join(made, name, { tone });
  }
  const [ada, bob] = people;
  await bothHear(ada, bob);
  return { made, ada, bob, owner: await cluster.owner(made.meeting.MeetingId) };
}

async function bothHear(ada, bob, timeout = 30_000) {
  await ada.hears([880], [440], timeout);
  await bob.hears([440], [880], timeout);
}

/** Nobody was told that the call is over, nor that anybody left, and both are there again. */
async function bothAreThere(ada, bob) {
  for (const [who, other] of [[ada, bob], [bob, ada]]) {
    await who.until(`${other.name} is in the roster`, s => s.roster[other.id]);
    const { events } = await who.snapshot();
    assert.deepEqual(events.filter(e => e.name === 'didStop'), [], `${who.name} was told that it is over`);
    assert.deepEqual(events.filter(e => e.name === 'presence' && (e.dropped || !e.present)), [], `${who.name} was told of somebody who left`);
  }
}

test('the node that runs a call is killed, and both talk on by themselves', async () => {
  const { ada, bob, owner } = await call();
  await owner.server.kill('SIGKILL');
  await Promise.all([ada, bob].map(a => a.event('didStart', {}, { count: 2, timeout: 60_000 })));
  await bothHear(ada, bob);
  await bothAreThere(ada, bob);
});

test('the node that runs a call is drained, and both talk on by themselves', async () => {
  const { ada, bob, owner } = await call();
  const other = cluster.nodes.find(n => n !== owner);
  await cluster.command(other, 'drain', owner.name);
  await Promise.all([ada, bob].map(a => a.event('didStart', {}, { count: 2, timeout: 30_000 })));
  await bothHear(ada, bob);
  await bothAreThere(ada, bob);
  await owner.server.kill('SIGTERM');
});

test('a screen share goes on when the node that runs the call is killed', async () => {
  const { ada, bob, owner } = await call();
  await ada.call('startContent');
  await bob.sees(`${ada.id}#content`);
  await owner.server.kill('SIGKILL');
  await bob.event('didStart', {}, { count: 2, timeout: 60_000 });
  await bob.sees(`${ada.id}#content`, 10, 60_000);
});

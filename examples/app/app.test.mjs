// Two people meet on the page, in a real browser; one of them loses her connection for a moment, and the meeting ends.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { App } from './people.mjs';

let app;

before(async () => {
  app = await App.start();
});

after(() => app?.stop());

test('two people meet, one loses her line, and the meeting ends', async () => {
  const [ada, bob] = await Promise.all([app.enter('ada'), app.enter('bob')]);
  for (const page of [ada, bob]) {
    await page.waitForSelector('li:has-text("ada")');
    await page.waitForSelector('li:has-text("bob")');
    await app.pictures(page, 2);
  }
  const { events } = await app.testMode('GET', 'events?type=AttendeeJoined&wait=10s');
  const joined = events.find(e => e.detail.externalUserId === 'ada').detail;

  await ada.evaluate(() => {
    window.statuses = [];
    new MutationObserver(() => window.statuses.push(document.querySelector('#status').textContent)).observe(document.querySelector('#status'), { childList: true });
  });
  await app.testMode('POST', `meetings/${joined.meetingId}/attendees/${joined.attendeeId}/drop`);
  await ada.waitForFunction(() => window.statuses.includes('reconnecting') && window.statuses.at(-1) === 'connected');
  await app.pictures(bob, 2);

  await app.testMode('POST', `meetings/${joined.meetingId}/end`);
  await ada.waitForSelector('text=left (');
  await bob.waitForSelector('text=left (');
  const { events: ended } = await app.testMode('GET', `events?meeting=${joined.meetingId}&type=MeetingEnded&wait=10s`);
  assert.equal(ended.length, 1);
});

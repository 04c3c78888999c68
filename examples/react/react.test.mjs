// Two people meet in React's components, in a real browser; one mutes herself, one leaves, and the meeting ends.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { App } from '../app/people.mjs';

let app;

before(async () => {
  app = await App.start('react/dist');
});

after(() => app?.stop());

test('two people meet in components, one mutes herself, one leaves, and the meeting ends', async () => {
  const [ada, bob] = await Promise.all([app.enter('ada'), app.enter('bob')]);
  const cell = name => `[data-testid=roster-cell]:has-text("${name}")`;
  for (const page of [ada, bob]) {
    await page.waitForSelector(cell('ada'));
    await page.waitForSelector(cell('bob'));
    await app.pictures(page, 2);
  }
  const microphone = title => bob.waitForSelector(`${cell('ada')} title:text-is("${title}")`, { state: 'attached' });
  await microphone('Microphone');
  await ada.click('button[aria-label=Mute]');
  await microphone('Muted microphone');

  await bob.click('button[aria-label=Leave]');
  await bob.waitForSelector('button:has-text("Join")');
  await ada.waitForSelector(cell('bob'), { state: 'detached' });

  const { meetings } = await app.testMode('GET', 'meetings');
  assert.equal(meetings.length, 1);
  await app.testMode('POST', `meetings/${meetings[0].meetingId}/end`);
  await ada.waitForSelector('text=ended');
});

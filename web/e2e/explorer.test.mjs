// Every operation has a form; calls are signed for real, by hand, in the page.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { closePage, openPage, patience, startBrowser, startServer } from './world.mjs';

const keys = { id: 'AKIAEXPLORER', secret: 'explorer/secret+key' };

describe('the API explorer', { timeout: 3 * patience }, () => {
  let server, browser, page;
  before(async () => {
    server = await startServer('--access-key', keys.id, '--secret-key', keys.secret);
    browser = await startBrowser();
    page = await openPage(browser, server, '/operator/explorer');
    await page.fill('#access-key', keys.id);
    await page.fill('#secret-key', keys.secret);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const choose = async (flavour, operation) => {
    await page.click(`label[for=flavour-${flavour}]`);
    await page.click(`.operation:text-matches("^(GET|POST|PUT|DELETE)?${operation}$")`);
    await page.waitForSelector(`h2:text-is("${operation}")`);
  };
  const send = async (status) => {
    await page.click('.send button');
    await page.waitForSelector(`.status:text-is("${status}")`);
    return page.locator('pre[aria-label=Answer]').textContent();
  };

  for (const [flavour, created] of [['meetings', 200], ['legacy', 201]]) {
    test(`a round trip in the ${flavour} flavour`, async () => {
      await choose(flavour, 'CreateMeeting');
      const id = JSON.parse((await send(created)).split('\n\n')[1]).Meeting.MeetingId;
      await choose(flavour, 'BatchCreateAttendee');
      assert.equal(await page.inputValue('#f-MeetingId'), id, 'the meeting just made is filled in');
      await page.fill('#f-Attendees', '[{"ExternalUserId":"ada"},{"ExternalUserId":"grace"}]');
      const batch = JSON.parse((await send(created)).split('\n\n')[1]);
      assert.deepEqual(batch.Attendees.map((a) => a.ExternalUserId), ['ada', 'grace']);
      const request = await page.locator('pre[aria-label="Signed request"]').textContent();
      assert.match(request, /authorization: AWS4-HMAC-SHA256 Credential=AKIAEXPLORER/i);
      for (const [tool, wanted] of [['CLI', 'batch-create-attendee'], ['Python', 'batch_create_attendee'], ['Go', 'BatchCreateAttendee']]) {
        await page.click(`[role=tab]:has-text("${tool}")`);
        const snippet = await page.locator('#snippet pre').textContent();
        assert.ok(snippet.includes(wanted) && snippet.includes(id), `${tool} snippet: ${snippet}`);
        assert.ok(!snippet.includes(keys.secret), 'a snippet holds the secret key');
      }
      await choose(flavour, 'DeleteMeeting');
      await send(204);
      await choose(flavour, 'GetMeeting');
      assert.match(await send(404), /NotFoundException/);
    });
  }

  test('a wrong secret is refused by the server, and said', async () => {
    await page.fill('#secret-key', 'something else');
    await choose('meetings', 'CreateMeeting');
    assert.match(await send(403), /InvalidSignatureException/);
    await closePage(page);
  });
});

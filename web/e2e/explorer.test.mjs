// Every operation has a form; calls are signed for real, by hand, in the page.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { closePage, openPage, patience, world } from './world.mjs';

const root = resolve(import.meta.dirname, '../..');

/** Every operation of the two flavours, as the API has them. */
const shared = [
  'BatchCreateAttendee',
  'CreateAttendee',
  'CreateMeeting',
  'CreateMeetingWithAttendees',
  'DeleteAttendee',
  'DeleteMeeting',
  'GetAttendee',
  'GetMeeting',
  'ListAttendees',
  'ListTagsForResource',
  'StartMeetingTranscription',
  'StopMeetingTranscription',
  'TagResource',
  'UntagResource',
];
const expected = {
  meetings: [...shared, 'BatchUpdateAttendeeCapabilitiesExcept', 'UpdateAttendeeCapabilities'].sort(),
  legacy: [
    ...shared,
    'ListAttendeeTags',
    'ListMeetingTags',
    'ListMeetings',
    'TagAttendee',
    'TagMeeting',
    'UntagAttendee',
    'UntagMeeting',
  ].sort(),
};

/** Something to put into every member, so that each shape is written out. */
const full = {
  MeetingId: '11111111-1111-4111-8111-111111111111',
  AttendeeId: '22222222-2222-4222-8222-222222222222',
  ResourceARN: 'arn:aws:chime:us-east-1:000000000000:meeting/11111111-1111-4111-8111-111111111111',
  MeetingHostId: "o'brien",
  MaxResults: '10',
  NextToken: 'more',
  MeetingFeatures:
    '{"Audio":{"EchoReduction":"AVAILABLE"},"Video":{"MaxResolution":"HD"},"Content":{"MaxResolution":"FHD"},"Attendee":{"MaxCount":25}}',
  NotificationsConfiguration:
    '{"SqsQueueArn":"arn:aws:sqs:us-east-1:000000000000:q","SnsTopicArn":"arn:aws:sns:us-east-1:000000000000:t"}',
  PrimaryMeetingId: '33333333-3333-4333-8333-333333333333',
  TenantIds: '["tenant-1"]',
  MediaPlacementNetworkType: 'DualStack',
  Tags: '[{"Key":"team","Value":"red"}]',
  TagKeys: '["team"]',
};

const keys = { id: 'AKIAEXPLORER', secret: 'explorer/secret+key' };

describe('the API explorer', { timeout: 6 * patience }, () => {
  let server, browser, page;
  world(['--access-key', keys.id, '--secret-key', keys.secret], async (s, b) => {
    server = s;
    browser = b;
    page = await openPage(browser, server, '/operator/explorer');
    await page.fill('#access-key', keys.id);
    await page.fill('#secret-key', keys.secret);
  });

  const choose = async (flavour, operation) => {
    await page.click(`label[for=flavour-${flavour}]`);
    await page.click(`.operation span:text-matches("^${operation}$")`);
    await page.waitForSelector(`h2:text-is("${operation}")`);
  };
  const send = async (status) => {
    await page.click('.send button');
    await page.waitForSelector(`.status:text-is("${status}")`);
    return page.locator('pre[aria-label=Answer]').textContent();
  };

  for (const [flavour, created] of [
    ['meetings', 200],
    ['legacy', 201],
  ]) {
    test(`a round trip in the ${flavour} flavour`, async () => {
      await choose(flavour, 'CreateMeeting');
      const id = JSON.parse((await send(created)).split('\n\n')[1]).Meeting.MeetingId;
      await choose(flavour, 'BatchCreateAttendee');
      assert.equal(await page.inputValue('#f-MeetingId'), id, 'the meeting just made is filled in');
      await page.fill('#f-Attendees', '[{"ExternalUserId":"ada"},{"ExternalUserId":"grace"}]');
      const batch = JSON.parse((await send(created)).split('\n\n')[1]);
      assert.deepEqual(
        batch.Attendees.map((a) => a.ExternalUserId),
        ['ada', 'grace'],
      );
      const request = await page.locator('pre[aria-label="Signed request"]').textContent();
      assert.match(request, /authorization: AWS4-HMAC-SHA256 Credential=AKIAEXPLORER/i);
      for (const [tool, wanted] of [
        ['CLI', 'batch-create-attendee'],
        ['Python', 'batch_create_attendee'],
        ['Go', 'BatchCreateAttendee'],
      ]) {
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

  test('every operation is there, and its snippets are good code', async () => {
    await mkdir(join(root, '.cache'), { recursive: true });
    const folder = await mkdtemp(join(root, '.cache', 'snippets-'));
    try {
      const python = [];
      for (const flavour of ['meetings', 'legacy']) {
        await page.click(`label[for=flavour-${flavour}]`);
        const names = await page
          .locator('.operation')
          .evaluateAll((buttons) => buttons.map((b) => b.lastChild.textContent));
        assert.deepEqual(names.toSorted(), expected[flavour]);
        for (const name of names) {
          await choose(flavour, name);
          for (const field of await page.locator('.fields [id^=f-]:is(input, select, textarea)').all()) {
            const value = full[(await field.getAttribute('id')).slice(2)];
            if (value === undefined) continue;
            if ((await field.evaluate((node) => node.tagName)) === 'SELECT') await field.selectOption(value);
            else await field.fill(value);
          }
          const snippet = async (tool) => {
            await page.click(`[role=tab]:has-text("${tool}")`);
            return page.locator('#snippet pre').textContent();
          };
          await mkdir(join(folder, flavour, name), { recursive: true });
          await writeFile(join(folder, flavour, name, 'main.go'), `${await snippet('Go')}\n`);
          python.push(await snippet('Python'));
          execFileSync('bash', ['-n'], { input: await snippet('CLI') });
        }
      }
      execFileSync('python3', ['-c', 'import ast, json, sys; [ast.parse(s) for s in json.load(sys.stdin)]'], {
        input: JSON.stringify(python),
      });
      execFileSync('go', ['vet', `./${relative(root, folder)}/...`], { cwd: root, stdio: 'inherit' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a wrong secret is refused by the server, and said', async () => {
    await page.fill('#secret-key', 'something else');
    await choose('meetings', 'CreateMeeting');
    assert.match(await send(403), /InvalidSignatureException/);
    await closePage(page);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aboutKeys, groupsOf, leftOf, mayDo } from '../src/console/sheetrows';

const day = 86_400_000;

test('how much is left of a certificate', () => {
  const now = Date.UTC(2026, 4, 1);
  assert.deepEqual(leftOf(now - 1, now), { words: 'has ended', look: 'bad' });
  assert.deepEqual(leftOf(now, now), { words: 'has ended', look: 'bad' });
  assert.deepEqual(leftOf(now + day / 2, now), { words: '0 days left', look: 'bad' });
  assert.deepEqual(leftOf(now + day, now), { words: '1 day left', look: 'bad' });
  assert.deepEqual(leftOf(now + 7 * day, now), { words: '7 days left', look: 'warn' });
  assert.deepEqual(leftOf(now + 21 * day, now), { words: '21 days left', look: 'good' });
});

test('what a key may do', () => {
  const key = { id: 'AKID', account: '000000000000', expires: 0, used: 0 };
  assert.equal(mayDo(key), 'everything');
  assert.equal(mayDo({ ...key, allow: [] }), 'nothing');
  assert.equal(
    mayDo({ ...key, allow: ['chime:*'], deny: ['chime:deletemeeting'] }),
    'chime:*, but not chime:deletemeeting',
  );
  assert.equal(mayDo({ ...key, deny: ['chime:deletemeeting'] }), 'everything, but not chime:deletemeeting');
  assert.equal(mayDo({ ...key, disabled: true }), 'nothing: its account is disabled');
});

test('settings are grouped and found', () => {
  const settings = [
    { name: 'listen', value: '"127.0.0.1:8480"', from: 'command line' },
    { name: 'timer-idle', group: 'Life', value: '5m0s', from: 'default' },
    { name: 'timer-max-age', group: 'Life', value: '24h0m0s', from: 'file' },
  ];
  const names = (groups: ReturnType<typeof groupsOf>) => groups.map(([group, all]) => [group, all.map((s) => s.name)]);
  assert.deepEqual(names(groupsOf(settings, '', false)), [
    ['Server', ['listen']],
    ['Life', ['timer-max-age']],
  ]);
  assert.deepEqual(names(groupsOf(settings, '', true)), [
    ['Server', ['listen']],
    ['Life', ['timer-idle', 'timer-max-age']],
  ]);
  assert.deepEqual(names(groupsOf(settings, ' Timer-I', true)), [['Life', ['timer-idle']]]);
  assert.deepEqual(names(groupsOf(settings, '8480', true)), [['Server', ['listen']]]);
  assert.deepEqual(groupsOf(settings, 'nothing', true), []);
});

test('a node that does not say when keys were used there is named', () => {
  assert.equal(aboutKeys({ keysFrom: 'keys.yaml' }), 'From: keys.yaml. Secrets are never shown.');
  assert.match(aboutKeys({ keysFrom: 'keys.yaml', silent: ['b', 'c'] }), /used at b and c is not known/);
});

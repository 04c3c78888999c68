import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colourOf, compareNames, initials, isContent, isRecorder, nameOf, personOf } from '../src/ui/names';

const encoded = (name: string) => Buffer.from(name).toString('base64url');

test('names of our own backend are taken out of the ExternalUserId', () => {
  assert.equal(nameOf('0123456789ab#Ada'), 'Ada');
  assert.equal(nameOf('0123456789ab#C#'), 'C#');
  assert.equal(nameOf(`0123456789ab=${encoded('Grace 🌟')}`), 'Grace 🌟');
  assert.equal(nameOf('0123456789ab#Ada#content'), 'Ada', 'a share has its owner’s name');
});

test('ids of other backends are shown as they are', () => {
  for (const id of [
    'ada',
    'user#42',
    '0123456789AB#Ada',
    '0123456789ab#',
    '0123456789ab=%%%',
    `0123456789ab=${encoded('a').slice(0, 1)}`,
  ]) {
    assert.equal(nameOf(id), id);
  }
  const broken = `0123456789ab=${Buffer.from([0xff, 0xfe]).toString('base64url')}`;
  assert.equal(nameOf(broken), broken, 'not UTF-8');
});

test('a recording is told from people', () => {
  assert.equal(isRecorder('aws:MediaPipeline-1a2b3'), true);
  assert.equal(nameOf('aws:MediaPipeline-1a2b3'), 'Recording');
  for (const id of ['', 'aws:Media', '0123456789ab#aws:MediaPipeline-', 'xaws:MediaPipeline-1']) {
    assert.equal(isRecorder(id), false, id);
  }
});

test('a content share leads to its person', () => {
  assert.equal(isContent('a1#content'), true);
  assert.equal(isContent('a1'), false);
  assert.equal(personOf('a1#content'), 'a1');
  assert.equal(personOf('a1'), 'a1');
});

test('one or two letters stand for a name', () => {
  assert.equal(initials('ada'), 'A');
  assert.equal(initials('Ada Byron Lovelace'), 'AL');
  assert.equal(initials('🌟 star'), '🌟S', 'a letter may be two code units');
  assert.equal(initials('   '), '?');
});

test('a colour belongs to an id for good', () => {
  const colours = new Set<number>();
  for (let i = 0; i < 100; i++) {
    const colour = colourOf(`attendee-${i}`);
    assert.equal(colourOf(`attendee-${i}`), colour);
    colours.add(colour);
  }
  assert.deepEqual([...colours].sort(), [0, 1, 2, 3, 4, 5]);
});

test('names are ordered as people count', () => {
  assert.deepEqual(['guest-10', 'Bob', 'guest-2', 'ada'].sort(compareNames), ['ada', 'Bob', 'guest-2', 'guest-10']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placesOf } from '../src/meeting/places';
import { inOrder, type Person } from '../src/meeting/state';

/** So many people, in the order of their arrival; the first is oneself. */
function crowd(count: number, change: (person: Person, i: number) => void = () => undefined): Map<string, Person> {
  const people = new Map<string, Person>();
  for (let i = 0; i < count; i++) {
    const person: Person = {
      id: `p${i}`,
      name: `Person ${String(i).padStart(3, '0')}`,
      self: i === 0,
      muted: false,
      volume: 0,
      signal: 1,
      speaking: false,
      spoke: 0,
      order: i,
    };
    change(person, i);
    people.set(person.id, person);
  }
  return people;
}

const none = new Set<string>();
const places = (people: Map<string, Person>, more: Partial<Parameters<typeof placesOf>[0]> = {}) =>
  placesOf({
    people: people.values(),
    cameras: none,
    hands: none,
    room: 4,
    page: 0,
    apart: '',
    before: [],
    now: 100_000,
    ...more,
  });

/** Changes one of them. */
function change(people: Map<string, Person>, id: string, news: Partial<Person>): void {
  Object.assign(people.get(id) ?? assert.fail(id), news);
}

test('whoever there is room for is on stage: oneself, and the others in the order of arrival', () => {
  assert.deepEqual(places(crowd(3)), { ids: ['p0', 'p1', 'p2'], page: 0, pages: 1, first: ['p0', 'p1', 'p2'] });
  assert.deepEqual(places(crowd(0)).ids, []);
  const late = crowd(4, (person, i) => {
    person.self = i === 2;
    person.speaking = i === 3; // all are in view: nobody moves for it
  });
  assert.deepEqual(places(late).ids, ['p2', 'p0', 'p1', 'p3']);
});

test('in a crowd oneself comes first, then who talks, has a hand up or shows a camera, then the others', () => {
  const people = crowd(10, (person, i) => {
    person.self = i === 9;
    person.speaking = i === 7;
    if (i === 5) person.spoke = 90_000;
  });
  const { ids, pages } = places(people, { room: 6, cameras: new Set(['p8']), hands: new Set(['p6']) });
  assert.deepEqual(ids, ['p9', 'p7', 'p5', 'p6', 'p8', 'p0']);
  assert.equal(pages, 2);
});

test('who begins to talk on a later page takes the place of one who is silent, and no other tile moves', () => {
  const people = crowd(10);
  let before = places(people).first;
  assert.deepEqual(before, ['p0', 'p1', 'p2', 'p3']);
  change(people, 'p9', { speaking: true });
  before = places(people, { before }).first;
  assert.deepEqual(before, ['p0', 'p9', 'p2', 'p3']);
  change(people, 'p3', { speaking: true });
  before = places(people, { before }).first;
  assert.deepEqual(before, ['p0', 'p9', 'p2', 'p3'], 'p3 is in view already');
  change(people, 'p5', { speaking: true });
  before = places(people, { before }).first;
  assert.deepEqual(before, ['p0', 'p9', 'p5', 'p3']);
  assert.deepEqual(places(people, { before, page: 1 }).ids, ['p1', 'p2', 'p4', 'p6'], 'the others follow as they came');
});

test('who has talked stays for a minute, and then until somebody has more to show', () => {
  const people = crowd(10);
  change(people, 'p9', { spoke: 99_000 });
  const before = places(people).first;
  assert.deepEqual(before, ['p0', 'p9', 'p1', 'p2']);
  const cameras = new Set(['p4', 'p5', 'p6']);
  assert.deepEqual(
    places(people, { before, cameras }).ids,
    ['p0', 'p9', 'p4', 'p5'],
    'cameras do not push a talker out',
  );
  assert.deepEqual(places(people, { before, now: 1e6 }).ids, before, 'nobody comes who has no more to show');
  assert.deepEqual(places(people, { before, cameras, now: 1e6 }).ids, ['p0', 'p6', 'p4', 'p5']);
});

test('when more have just talked than there is room for, who talks now is in view', () => {
  const people = crowd(10, (person, i) => {
    person.spoke = 99_000 - 1000 * i;
  });
  const before = places(people).first;
  assert.deepEqual(before, ['p0', 'p1', 'p2', 'p3']);
  assert.deepEqual(places(people, { before }).ids, before);
  change(people, 'p9', { speaking: true });
  assert.deepEqual(places(people, { before }).ids, ['p0', 'p1', 'p2', 'p9'], 'whose last word is longest ago goes');
});

test('nobody leaves a page that is being looked at to be on the first', () => {
  const people = crowd(10);
  const before = places(people).first;
  change(people, 'p6', { speaking: true });
  const { ids, first } = places(people, { before, page: 1 });
  assert.deepEqual(ids, ['p4', 'p5', 'p6', 'p7']);
  assert.deepEqual(first, before);
  assert.deepEqual(
    places(people, { before: first }).ids,
    ['p0', 'p6', 'p2', 'p3'],
    'until the first page is looked at',
  );
});

test('with less room the best stay, and whoever goes makes room for the next', () => {
  const people = crowd(10);
  const before = ['p0', 'p9', 'p1', 'p2', 'p3', 'p4'];
  change(people, 'p9', { spoke: 99_000 });
  change(people, 'p3', { speaking: true });
  assert.deepEqual(places(people, { before, room: 3 }).ids, ['p0', 'p9', 'p3']);
  people.delete('p1');
  assert.deepEqual(places(people, { before, room: 6 }).ids, ['p0', 'p9', 'p2', 'p3', 'p4', 'p5']);
});

test('everybody is on exactly one page', () => {
  const people = crowd(250);
  const seen: string[] = [];
  const { pages, first } = places(people, { room: 16 });
  for (let page = 0; page < pages; page++) seen.push(...places(people, { room: 16, page, before: first }).ids);
  assert.equal(pages, 16);
  assert.equal(seen.length, 250);
  assert.equal(new Set(seen).size, 250);
  assert.deepEqual(places(people, { room: 16, page: 99 }).page, 15, 'there is no page after the last');
  assert.deepEqual(places(people, { room: 16, page: -1 }).page, 0);
});

test('who is pinned is not on stage a second time', () => {
  const { ids, pages } = places(crowd(5), { apart: 'p1' });
  assert.deepEqual(ids, ['p0', 'p2', 'p3', 'p4']);
  assert.equal(pages, 1);
});

test('a list begins with oneself, then raised hands, who has just talked, and the others by name', () => {
  const people = crowd(250, (person, i) => {
    if (i === 200) person.spoke = 95_000;
    if (i === 150) person.spoke = 1000; // long ago
    if (i === 249) person.name = 'Aaron';
  });
  const order = inOrder({ people, hands: new Set(['p30', 'p20', 'gone']) }, 100_000).map((p) => p.id);
  assert.deepEqual(order.slice(0, 6), ['p0', 'p30', 'p20', 'p200', 'p249', 'p1']);
  assert.equal(order.length, 250);
  const own = inOrder({ people, hands: new Set(['p20', 'p0']) }, 100_000).map((p) => p.id);
  assert.deepEqual(own.slice(0, 2), ['p0', 'p20'], 'one’s own hand does not push oneself down');
});

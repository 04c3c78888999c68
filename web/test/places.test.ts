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
  placesOf({ people: people.values(), cameras: none, room: 4, page: 0, apart: '', before: [], ...more });

test('whoever there is room for is on stage, in the order of arrival', () => {
  assert.deepEqual(places(crowd(3)), { ids: ['p0', 'p1', 'p2'], page: 0, pages: 1, first: ['p0', 'p1', 'p2'] });
  assert.deepEqual(places(crowd(0)).ids, []);
});

test('in a crowd oneself, who speaks and who shows a camera come first', () => {
  const people = crowd(10, (person, i) => {
    person.speaking = i === 7;
    if (i === 5) person.spoke = 100;
  });
  const { ids, pages } = places(people, { cameras: new Set(['p8']) });
  assert.deepEqual(new Set(ids), new Set(['p0', 'p7', 'p8', 'p5']));
  assert.equal(pages, 3);
});

test('people keep their place as long as they can', () => {
  const people = crowd(10);
  const before = ['p3', 'p0', 'p1', 'p2'];
  assert.deepEqual(places(people, { before }).ids, before);
  const nine = people.get('p9');
  assert.ok(nine);
  nine.spoke = 5;
  const { ids } = places(people, { before });
  assert.deepEqual(ids, ['p0', 'p1', 'p2', 'p9'], 'one comes, one goes, the others stay in their order');
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

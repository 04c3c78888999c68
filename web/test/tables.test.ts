import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Row, Tables } from '../src/console/tables';

interface Person extends Row {
  name?: string;
}

const content = (tables: Tables, name: string) => [...tables.table<Person>(name).values()];

test('a snapshot replaces everything', () => {
  const tables = new Tables();
  tables.replace({ people: [{ id: 'a' }, { id: 'b' }], records: [{ id: '1' }] });
  tables.replace({ people: [{ id: 'c' }] });
  assert.deepEqual(content(tables, 'people'), [{ id: 'c' }]);
  assert.deepEqual(content(tables, 'records'), [], 'a table that is not in the snapshot is empty');
});

test('a delta adds, changes and removes rows', () => {
  const tables = new Tables();
  const old: Person[] = [{ id: 'a', name: 'Ada' }, { id: 'b' }, { id: 'c' }];
  tables.replace({ people: old });
  const fresh: Person[] = [{ id: 'b', name: 'Bob' }, { id: 'd' }];
  tables.apply({ set: { people: fresh }, gone: { people: ['c', 'never there'] } });
  assert.deepEqual(content(tables, 'people'), [{ id: 'a', name: 'Ada' }, { id: 'b', name: 'Bob' }, { id: 'd' }]);
});

test('a delta may bring a table that was not there, and miss either part', () => {
  const tables = new Tables();
  tables.apply({ gone: { people: ['a'] } });
  tables.apply({ set: { records: [{ id: '1' }] } });
  tables.apply({});
  assert.deepEqual(content(tables, 'people'), []);
  assert.deepEqual(content(tables, 'records'), [{ id: '1' }]);
});

test('a table that was handed out follows later deltas', () => {
  const tables = new Tables();
  tables.replace({ people: [{ id: 'a' }] });
  const people = tables.table('people');
  tables.apply({ gone: { people: ['a'] } });
  assert.equal(people.size, 0);
});

// The rules that the pages' sources keep, beside those of the linter.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const source = resolve(import.meta.dirname, '../src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|css)$/.test(name));
const read = (name: string) => readFileSync(join(source, name), 'utf8');

test('no file has 400 lines or more', () => {
  assert.ok(files.length > 50, `only ${files.length} files were found`);
  const long = files.filter((name) => read(name).split('\n').length > 400);
  assert.deepEqual(long, []);
});

test('colours are named in one sheet', () => {
  const raw = /#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch|lab)a?\(/i;
  const named = files.filter((name) => name.endsWith('.css') && raw.test(read(name)));
  assert.deepEqual(named, ['ui/tokens.css']);
});

test('a sheet of a component is part of a page', () => {
  const sheets = new Set(files.filter((name) => name.endsWith('.css')));
  const pages = ['meeting/meeting.css', 'console/console.css', 'explorer/explorer.css'];
  const reached = new Set<string>();
  const follow = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const [, path = ''] of read(name).matchAll(/@import '([^']+)'/g)) follow(join(name, '..', path));
  };
  pages.forEach(follow);
  assert.deepEqual([...sheets].sort(), [...reached].sort());
});

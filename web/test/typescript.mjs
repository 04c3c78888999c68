// Lets Node run the pages' TypeScript as the bundler reads it: names of files
// without their ending, types taken out. Used as node --import.

import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register(import.meta.url); // the hooks below run in a thread of their own

export function resolve(name, context, next) {
  const bare = /^\.{1,2}\//.test(name) && !/\.[a-z]+$/.test(name);
  return next(bare ? `${name}.ts` : name, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { transformWithOxc } = await import('vite');
  const path = fileURLToPath(url);
  const { code } = await transformWithOxc(await readFile(path, 'utf8'), path);
  return { format: 'module', source: code, shortCircuit: true };
}

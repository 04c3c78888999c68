import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Store } from '../src/meeting/store';

let frames: (() => void)[] = [];

/** Draws what is due, as a browser does before it paints. */
function paint(): void {
  const due = frames;
  frames = [];
  for (const frame of due) frame();
}

beforeEach(() => {
  frames = [];
  Object.assign(globalThis, {
    requestAnimationFrame: (frame: () => void) => frames.push(frame),
    cancelAnimationFrame: (id: number) => frames.splice(id - 1, 1),
  });
});

test('however many changes there are, a frame is drawn once', () => {
  const store = new Store({ n: 0, list: [] as string[] });
  const drawn: string[] = [];
  store.watch(({ n, list }) => drawn.push(`${n}${list}`));
  store.change({ n: 1 });
  store.state.list.push('a');
  store.change();
  assert.deepEqual(drawn, [], 'nothing is drawn between frames');
  paint();
  assert.deepEqual(drawn, ['1a']);
  paint();
  assert.deepEqual(drawn, ['1a'], 'nothing has changed');
  store.change({ n: 2 });
  paint();
  assert.deepEqual(drawn, ['1a', '2a']);
});

test('a change before anybody watches is drawn later, one after the end never', () => {
  const store = new Store({ n: 0 });
  store.change({ n: 1 });
  const drawn: number[] = [];
  store.watch(({ n }) => drawn.push(n));
  paint();
  store.change({ n: 2 });
  store.close();
  paint();
  store.change({ n: 3 });
  paint();
  assert.deepEqual(drawn, [1]);
  assert.equal(store.state.n, 3);
});

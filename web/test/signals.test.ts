import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { AudioVideoFacade, DataMessage } from 'amazon-chime-sdk-js';
import { Signals } from '../src/meeting/signals';
import { newRoomStore, type Person, type RoomStore } from '../src/meeting/state';

Object.assign(globalThis, { window: globalThis });

/** The SDK, as far as signals use it. */
class Line {
  readonly sent: [topic: string, data: string, lifetime: number][] = [];
  private readonly receivers = new Map<string, (message: DataMessage) => void>();
  private presence: (id: string, present: boolean) => void = () => undefined;

  realtimeSubscribeToReceiveDataMessage(topic: string, receive: (message: DataMessage) => void): void {
    this.receivers.set(topic, receive);
  }

  realtimeSubscribeToAttendeeIdPresence(told: (id: string, present: boolean) => void): void {
    this.presence = told;
  }

  realtimeSendDataMessage(topic: string, data: string, lifetime: number): void {
    this.sent.push([topic, data, lifetime]);
  }

  comes(id: string): void {
    this.presence(id, true);
  }

  brings(topic: string, sender: string, text: string, throttled = false): void {
    this.receivers.get(topic)?.({ topic, senderAttendeeId: sender, throttled, text: () => text } as DataMessage);
  }
}

function open(): { line: Line; store: RoomStore; signals: Signals; said: string[] } {
  const line = new Line();
  const store = newRoomStore();
  store.state.line = { bars: 3, word: '', details: '' };
  store.state.people.set('bob', { id: 'bob', name: 'Bob' } as Person);
  const said: string[] = [];
  const signals = new Signals(line as unknown as AudioVideoFacade, 'me', store, (text) => said.push(text));
  return { line, store, signals, said };
}

test('hands go up and down, one’s own and those of others', () => {
  const { line, store, signals, said } = open();
  assert.equal(signals.raise(true), true);
  line.brings('hand', 'bob', 'up');
  line.brings('hand', 'bob', 'up');
  assert.deepEqual([...store.state.hands], ['me', 'bob'], 'in the order in which they went up');
  assert.deepEqual(said, ['Bob raised a hand'], 'said once, and not of oneself');
  signals.raise(false);
  line.brings('hand', 'bob', 'down');
  assert.equal(store.state.hands.size, 0);
  assert.deepEqual(line.sent, [
    ['hand', 'up', 300_000],
    ['hand', 'down', 300_000],
  ]);
});

test('whoever comes later is told of a hand that is up, those who come together once', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { line, signals } = open();
  line.comes('eve');
  mock.timers.tick(10_000);
  assert.deepEqual(line.sent, [], 'there is nothing to tell');
  signals.raise(true);
  for (const id of ['a', 'b', 'c', 'me']) line.comes(id);
  mock.timers.tick(10_000);
  assert.deepEqual(line.sent.slice(1), [['hand', 'up', 0]]);
  line.comes('d');
  signals.raise(false);
  mock.timers.tick(10_000);
  assert.equal(line.sent.length, 3, 'a hand that is down again is not told of');
  mock.timers.reset();
});

test('a reaction is shown for a while', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { line, store, signals, said } = open();
  signals.react('🎉');
  line.brings('reaction', 'bob', '👍');
  assert.deepEqual(Object.fromEntries(store.state.shown), { me: '🎉', bob: '👍' });
  assert.deepEqual(said, ['Bob: thumbs up']);
  mock.timers.tick(3000);
  line.brings('reaction', 'bob', '👏'); // begins anew
  mock.timers.tick(3000);
  assert.deepEqual(Object.fromEntries(store.state.shown), { bob: '👏' });
  mock.timers.tick(3000);
  assert.equal(store.state.shown.size, 0);
  mock.timers.reset();
});

test('what is no hand and no reaction changes nothing', () => {
  const { line, store } = open();
  line.brings('hand', 'bob', 'sideways');
  line.brings('hand', 'bob', 'up', true);
  for (const word of ['<b>', 'toString', '', '👍👍']) line.brings('reaction', 'bob', word);
  assert.equal(store.state.hands.size + store.state.shown.size, 0);
});

test('without a line nothing seems sent', () => {
  const { line, store, signals } = open();
  store.state.line.bars = 0;
  assert.equal(signals.raise(true), false);
  assert.equal(signals.react('👍'), false);
  assert.deepEqual(line.sent, []);
  assert.equal(store.state.hands.size + store.state.shown.size, 0);
});

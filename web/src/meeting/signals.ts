// Raised hands and reactions: small data messages between the pages of a
// meeting.

import type { AudioVideoFacade, DataMessage } from 'amazon-chime-sdk-js';
import type { RoomStore } from './state';

/** What can be shown to the others, with its name. */
export const reactions = {
  '👍': 'thumbs up',
  '👏': 'applause',
  '❤️': 'heart',
  '😂': 'laughter',
  '🎉': 'party',
} as const;

export type Reaction = keyof typeof reactions;

const handTopic = 'hand';
const reactionTopic = 'reaction';

/** How long a raised hand is kept for those who come later, in ms; the longest that the service takes. */
const handLifetime = 300_000;

/** How long a reaction is on screen, in ms. */
const reactionTime = 5000;

/** After how long newcomers are told of a hand that is up: those who come together are told once, in ms. */
const repeatAfter = 2000;

export class Signals {
  private repeat = 0;
  private readonly fading = new Map<string, number>();

  constructor(
    private readonly av: AudioVideoFacade,
    private readonly self: string,
    private readonly store: RoomStore,
    private readonly say: (text: string) => void,
  ) {
    av.realtimeSubscribeToReceiveDataMessage(handTopic, (message) => this.handCame(message));
    av.realtimeSubscribeToReceiveDataMessage(reactionTopic, (message) => this.reactionCame(message));
    av.realtimeSubscribeToAttendeeIdPresence((id, present) => {
      if (present && id !== this.self && store.state.hands.has(this.self)) this.repeatSoon();
    });
  }

  close(): void {
    window.clearTimeout(this.repeat);
    for (const timer of this.fading.values()) window.clearTimeout(timer);
  }

  /** Raises this person's hand or takes it down; false when there is no line to say so on. */
  raise(up: boolean): boolean {
    if (this.store.state.line.bars === 0) return false;
    this.av.realtimeSendDataMessage(handTopic, up ? 'up' : 'down', handLifetime);
    this.hand(this.self, up);
    return true;
  }

  /** Shows a reaction to everybody; false when there is no line. */
  react(reaction: Reaction): boolean {
    if (this.store.state.line.bars === 0) return false;
    this.av.realtimeSendDataMessage(reactionTopic, reaction, 0);
    this.show(this.self, reaction);
    return true;
  }

  private repeatSoon(): void {
    window.clearTimeout(this.repeat);
    this.repeat = window.setTimeout(() => {
      if (this.store.state.hands.has(this.self)) this.av.realtimeSendDataMessage(handTopic, 'up', 0);
    }, repeatAfter);
  }

  private handCame(message: DataMessage): void {
    const word = message.throttled ? '' : message.text();
    if (word !== 'up' && word !== 'down') return;
    const { senderAttendeeId: id } = message;
    const known = this.store.state.hands.has(id);
    this.hand(id, word === 'up');
    const name = this.store.state.people.get(id)?.name;
    if (word === 'up' && !known && name) this.say(`${name} raised a hand`);
  }

  private hand(id: string, up: boolean): void {
    if (up) this.store.state.hands.add(id);
    else this.store.state.hands.delete(id);
    this.store.change();
  }

  private reactionCame(message: DataMessage): void {
    const word = message.throttled ? '' : message.text();
    if (!Object.hasOwn(reactions, word)) return;
    this.show(message.senderAttendeeId, word as Reaction);
    const name = this.store.state.people.get(message.senderAttendeeId)?.name;
    if (name) this.say(`${name}: ${reactions[word as Reaction]}`);
  }

  private show(id: string, reaction: Reaction): void {
    const { shown } = this.store.state;
    shown.set(id, reaction);
    window.clearTimeout(this.fading.get(id));
    this.fading.set(
      id,
      window.setTimeout(() => {
        shown.delete(id);
        this.fading.delete(id);
        this.store.change();
      }, reactionTime),
    );
    this.store.change();
  }
}

// What a call and its page share: the call writes it, the page draws it.

import { compareNames } from '../ui/names';
import type { Captions } from './captions';
import type { Line, Phase } from './line';
import { Store } from './store';

export interface Person {
  id: string;
  name: string;
  self: boolean;
  muted: boolean;
  /** 0 to 1. */
  volume: number;
  /** 0, 0.5 or 1; 1 when not known. */
  signal: number;
  speaking: boolean;
  /** When they last were known to speak, by performance.now(); 0 for never. */
  spoke: number;
  /** Order of arrival. */
  order: number;
}

export interface Tile {
  id: number;
  person: string;
  content: boolean;
  local: boolean;
  paused: boolean;
}

export interface Message {
  from: string;
  name: string;
  self: boolean;
  text: string;
  at: number;
}

/** What this person may do, as the server sees it. */
export interface Rights {
  speak: boolean;
  listen: boolean;
  camera: boolean;
  share: boolean;
}

export type Panel = 'people' | 'chat';

export interface RoomState {
  phase: Phase;
  /** When the phase began, by performance.now(). */
  since: number;
  line: Line;
  rights: Rights;
  people: Map<string, Person>;
  tiles: Map<number, Tile>;
  messages: Message[];
  /** The server did not pass the last message on, because there were too many. */
  throttled: boolean;
  hasMicrophone: boolean;
  micOn: boolean;
  cameraOn: boolean;
  /** Whether what is behind this person is blurred. */
  blur: 'off' | 'starting' | 'on';
  sharing: boolean;
  panel: Panel | undefined;
  /** How many of the messages had been on screen when the chat was last closed. */
  read: number;
  /** A sentence shown over the stage for a while. */
  notice: string;
  /** Attendees that stand for recordings which run now. */
  recorders: Set<string>;
  captions: Captions;
  /** Who has raised a hand, in the order in which they did. */
  hands: Set<string>;
  /** What somebody has just shown: one of the reactions, by attendee. */
  shown: Map<string, string>;
  /** Whose tile is large; empty for nobody's. */
  pinned: string;
  /** Which page of tiles is in view, from 0. */
  page: number;
  /** How many cameras there are to choose from. */
  cameras: number;
}

export type RoomStore = Store<RoomState>;

/** The state before anything is known. */
export function newRoomStore(): RoomStore {
  return new Store<RoomState>({
    phase: 'connecting',
    since: performance.now(),
    line: { bars: 0, word: 'Connecting…', details: '' },
    rights: { speak: true, listen: true, camera: true, share: true },
    people: new Map(),
    tiles: new Map(),
    messages: [],
    throttled: false,
    hasMicrophone: false,
    micOn: false,
    cameraOn: false,
    blur: 'off',
    sharing: false,
    panel: undefined,
    read: 0,
    notice: '',
    recorders: new Set(),
    captions: { running: false, wanted: false, lines: [] },
    hands: new Set(),
    shown: new Map(),
    pinned: '',
    page: 0,
    cameras: 0,
  });
}

/** How long somebody who has spoken stands before those who have not, in ms. */
const talked = 60_000;

/** Whether somebody talks or has in the last minute. */
export function justTalked({ speaking, spoke }: Person, now: number): boolean {
  return speaking || (spoke > 0 && now - spoke < talked);
}

/** Everybody, as a list shows them: oneself, raised hands in their order, who has just talked, and the others by name. */
export function inOrder({ people, hands }: Pick<RoomState, 'people' | 'hands'>, now: number): Person[] {
  const hand = new Map([...hands].map((id, i) => [id, i]));
  const rank = (p: Person) => {
    if (p.self) return -1;
    const raised = hand.get(p.id);
    if (raised !== undefined) return raised;
    return justTalked(p, now) ? hand.size : hand.size + 1;
  };
  return [...people.values()].sort((a, b) => rank(a) - rank(b) || compareNames(a.name, b.name) || a.order - b.order);
}

/** Whether somebody is not heard, by their own choice or by an operator's. */
export function isMuted(person: Person, rights: Rights): boolean {
  return person.muted || (person.self && !rights.speak);
}

// What a call and its page share: the call writes it, the page draws it.

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
  /** When they last were the loudest, by performance.now(); 0 for never. */
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
  sharing: boolean;
  panel: Panel | undefined;
  /** How many of the messages had been on screen when the chat was last closed. */
  read: number;
  /** A sentence shown over the stage for a while. */
  notice: string;
  /** Attendees that stand for recordings which run now. */
  recorders: Set<string>;
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
    sharing: false,
    panel: undefined,
    read: 0,
    notice: '',
    recorders: new Set(),
  });
}

/** Whether somebody is not heard, by their own choice or by an operator's. */
export function isMuted(person: Person, rights: Rights): boolean {
  return person.muted || (person.self && !rights.speak);
}

// Who is on stage, and on which page of it.

import { justTalked, type Person } from './state';

export interface Crowd {
  people: Iterable<Person>;
  /** Who shows a camera. */
  cameras: { has(id: string): boolean };
  /** Who has raised a hand. */
  hands: { has(id: string): boolean };
  /** How many tiles there is room for. */
  room: number;
  /** Which page is wanted, from 0. */
  page: number;
  /** Who is shown elsewhere; empty for nobody. */
  apart: string;
  /** Who was on the first page before. */
  before: string[];
  /** By performance.now(). */
  now: number;
}

export interface Places {
  /** Whose tiles are shown, in order. */
  ids: string[];
  /** The page that is shown, and how many there are. */
  page: number;
  pages: number;
  /** Who is on the first page. */
  first: string[];
}

/**
 * Chooses. On the first page is oneself, then whoever matters now, and people keep
 * their place on it as long as they can; the others follow on further pages in the
 * order of their arrival. While a further page is looked at nobody is brought away
 * from it.
 */
export function placesOf(crowd: Crowd): Places {
  const present = [...crowd.people].filter((p) => p.id !== crowd.apart).sort((a, b) => a.order - b.order);
  const pages = Math.max(1, Math.ceil(present.length / crowd.room));
  const page = Math.min(Math.max(0, crowd.page), pages - 1);
  const first = firstPage(present, crowd, page === 0).map((p) => p.id);
  if (page === 0) return { ids: first, page, pages, first };
  const others = present.filter((p) => !first.includes(p.id)).map((p) => p.id);
  const from = (page - 1) * crowd.room;
  return { ids: others.slice(from, from + crowd.room), page, pages, first };
}

/** The first page, onto which others are brought only while it is in view. */
function firstPage(present: Person[], crowd: Crowd, inView: boolean): Person[] {
  const { room } = crowd;
  if (present.length <= room) return selfFirst(present);
  const claim = (p: Person) => claimOf(p, crowd);
  const shown = staying(present, crowd);
  const waiting = present.filter((p) => !shown.includes(p)).sort((a, b) => claim(b) - claim(a)); // stable: then by arrival
  shown.push(...waiting.splice(0, room - shown.length));
  for (const person of inView ? waiting : []) {
    const goes = shown.reduce((a, b) => (claim(b) < claim(a) || (claim(b) === claim(a) && b.spoke < a.spoke) ? b : a));
    if (claim(goes) >= claim(person)) break;
    shown[shown.indexOf(goes)] = person; // in that place: no other tile moves
  }
  return selfFirst(shown);
}

/** Who was on the first page and still is, in the order there, as far as there is room. */
function staying(present: Person[], crowd: Crowd): Person[] {
  const place = new Map(crowd.before.map((id, i) => [id, i]));
  const at = (p: Person) => place.get(p.id) ?? 0;
  const still = present.filter((p) => place.has(p.id)).sort((a, b) => at(a) - at(b));
  const best = [...still].sort((a, b) => claimOf(b, crowd) - claimOf(a, crowd)).slice(0, crowd.room);
  return still.filter((p) => best.includes(p));
}

const selfFirst = (people: Person[]) => [...people.filter((p) => p.self), ...people.filter((p) => !p.self)];

/** How strong somebody's claim to a place on the first page is. */
function claimOf(p: Person, { cameras, hands, now }: Crowd): number {
  if (p.self) return 4;
  if (p.speaking) return 3;
  if (hands.has(p.id) || justTalked(p, now)) return 2;
  return cameras.has(p.id) ? 1 : 0;
}

// Who is on stage, and on which page of it.

import type { Person } from './state';

export interface Crowd {
  people: Iterable<Person>;
  /** Who shows a camera. */
  cameras: { has(id: string): boolean };
  /** How many tiles there is room for. */
  room: number;
  /** Which page is wanted, from 0. */
  page: number;
  /** Who is shown elsewhere; empty for nobody. */
  apart: string;
  /** Who was on the first page before. */
  before: string[];
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
 * Chooses. On the first page is whoever matters now, and people keep their place
 * on it as long as they can; the others follow on further pages in the order of
 * their arrival.
 */
export function placesOf(crowd: Crowd): Places {
  const present = [...crowd.people].filter((p) => p.id !== crowd.apart).sort((a, b) => a.order - b.order);
  const pages = Math.max(1, Math.ceil(present.length / crowd.room));
  const page = Math.min(Math.max(0, crowd.page), pages - 1);
  const first = firstPage(present, crowd);
  if (page === 0) return { ids: first, page, pages, first };
  const others = present.filter((p) => !first.includes(p.id)).map((p) => p.id);
  const from = (page - 1) * crowd.room;
  return { ids: others.slice(from, from + crowd.room), page, pages, first };
}

function firstPage(present: Person[], { cameras, room, before }: Crowd): string[] {
  if (present.length <= room) return present.map((p) => p.id);
  const rank = (p: Person) => (p.self ? 4e12 : 0) + (cameras.has(p.id) ? 1e12 : 0) + (p.speaking ? 2e12 : 0) + p.spoke;
  const best = new Set(
    [...present]
      .sort((a, b) => rank(b) - rank(a))
      .slice(0, room)
      .map((p) => p.id),
  );
  const staying = before.filter((id) => best.has(id));
  const coming = present.filter((p) => best.has(p.id) && !staying.includes(p.id));
  return [...staying, ...coming.map((p) => p.id)];
}

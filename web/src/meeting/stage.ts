// The stage: everybody's tile, what is shared or pinned in front, the speaker
// marked.

import { el, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import type { Call } from './call';
import { placesOf } from './places';
import type { RoomState, Tile } from './state';
import { type Place, PlaceTile } from './tile';

/** What can be done on the stage. */
export interface StageActions {
  people(): void;
  pin(person: string): void;
  page(page: number): void;
}

const gap = 10;

export class Stage {
  readonly element: HTMLElement;
  private readonly front = el('ul', { class: 'content-area', 'aria-label': 'In front' });
  private readonly grid = el('ul', { class: 'tiles', 'aria-label': 'People in view' });
  private readonly more = el('button', { class: 'more', type: 'button' });
  private readonly previous: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  private readonly foot: HTMLElement;
  private readonly people: Keyed<Place>;
  private readonly large: Keyed<Place>;
  private readonly resized: ResizeObserver;
  private first: string[] = [];
  private page = 0;
  private arranged = 0;

  constructor(
    private readonly call: Call,
    actions: StageActions,
  ) {
    this.more.addEventListener('click', () => actions.people());
    const turn = (words: string, kind: 'previous' | 'next', by: number) =>
      el(
        'button',
        { class: 'more', type: 'button', 'aria-label': words, on: { click: () => actions.page(this.page + by) } },
        icon(kind, 18),
      );
    this.previous = turn('Previous people', 'previous', -1);
    this.next = turn('More people', 'next', 1);
    this.foot = el('div', { class: 'stage-foot' }, this.previous, this.more, this.next);
    this.element = el('section', { class: 'stage', 'aria-label': 'Meeting' }, this.front, this.grid, this.foot);
    this.people = new Keyed(this.grid, (place) => new PlaceTile(call, place, actions.pin));
    this.large = new Keyed(this.front, (place) => new PlaceTile(call, place, actions.pin));
    this.resized = new ResizeObserver(() => this.arrange(true));
    this.resized.observe(this.grid);
  }

  close(): void {
    this.resized.disconnect();
  }

  draw(state: RoomState): void {
    const { people, tiles, pinned } = state;
    const cameras = new Map<string, Tile>();
    const front: [string, Place][] = [];
    const apart = people.has(pinned) ? pinned : '';
    for (const tile of tiles.values()) {
      if (tile.content && tile.person === this.call.selfId) continue; // one's own screen is in view anyway
      if (tile.content)
        front.push([`tile-${tile.id}`, { ...this.place(state, tile.person), video: tile, content: true }]);
      else cameras.set(tile.person, tile);
    }
    if (apart) front.push([`pin-${apart}`, { ...this.place(state, apart), video: cameras.get(apart), pinned: true }]);
    this.element.classList.toggle('with-content', front.length > 0);
    this.front.hidden = front.length === 0;
    this.large.show(front);
    const room = roomFor(front.length > 0);
    const places = placesOf({
      people: people.values(),
      cameras,
      hands: state.hands,
      room,
      page: state.page,
      apart,
      before: this.first,
      now: performance.now(),
    });
    this.first = places.first;
    this.page = places.page;
    this.people.show(places.ids.map((id) => [id, { ...this.place(state, id), video: cameras.get(id) }]));
    this.drawFoot(people.size - places.ids.length - (apart ? 1 : 0), places.page, places.pages);
    this.arrange();
  }

  private place({ people, rights, hands, shown }: RoomState, id: string): Place {
    return {
      person: people.get(id),
      rights,
      video: undefined,
      content: false,
      hand: hands.has(id),
      shown: shown.get(id) ?? '',
      pinned: false,
    };
  }

  private drawFoot(hidden: number, page: number, pages: number): void {
    this.foot.hidden = hidden <= 0;
    setText(this.more, page ? `page ${page + 1} of ${pages}` : `and ${hidden} more`);
    this.previous.disabled = page === 0;
    this.next.disabled = page >= pages - 1;
  }

  /** Picks the number of columns that makes the tiles largest. */
  private arrange(resized = false): void {
    const count = this.grid.childElementCount;
    if (count === this.arranged && !resized) return;
    this.arranged = count;
    const { clientWidth: width, clientHeight: height } = this.grid;
    if (count === 0 || width === 0 || height === 0) return;
    const ratio = width < height ? 1 : 16 / 9;
    let best = { columns: 1, width: 0 };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const byWidth = (width - gap * (columns - 1)) / columns;
      const byHeight = ((height - gap * (rows - 1)) / rows) * ratio;
      const fit = Math.min(byWidth, byHeight);
      if (fit > best.width * 0.95) best = { columns, width: fit }; // side by side rather than stacked
    }
    this.grid.style.setProperty('--tile-width', `${Math.floor(best.width)}px`);
    this.grid.style.setProperty('--tile-height', `${Math.floor(best.width / ratio)}px`);
    this.grid.style.setProperty(
      '--tiles-width',
      `${Math.ceil(best.width * best.columns + gap * (best.columns - 1) + 1)}px`,
    );
  }
}

/** How many tiles there is room for. */
function roomFor(withContent: boolean): number {
  const narrow = window.matchMedia('(max-width: 640px)').matches;
  if (withContent) return narrow ? 2 : 6;
  return narrow ? 6 : 16;
}

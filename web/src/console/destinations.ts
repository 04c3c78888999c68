// Who is told what happens in meetings: how each receiver is doing, and the
// events that were given up.

import { el, fill } from '../ui/dom';
import { confirm } from './confirm';
import { type DestinationsPage as Data, type Destination, type Letter, type Row, rowsOf, stateOf } from './delivery';
import { count, lasting, short, when } from './format';
import type { Frame, Page } from './frame';
import { Poll } from './poll';

/** How often the page asks anew, in ms. */
const every = 3000;

export class DestinationsPage implements Page {
  readonly element: HTMLElement;
  readonly title = 'Events';

  private readonly list = el('div', { class: 'destinations' });
  private readonly poll: Poll;
  private shown = '';
  private readonly opened = new Set<string>(); // destinations whose dead letters are looked at

  constructor(private readonly frame: Frame) {
    this.element = el(
      'div',
      { class: 'list-page' },
      el('div', { class: 'list-head' }, el('h1', {}, 'Who is told of events')),
      this.list,
    );
    this.poll = new Poll(frame, every, async (current) => {
      const page = await frame.server.destinations();
      if (current()) this.draw(page);
    });
    void this.poll.now();
  }

  close(): void {
    this.poll.close();
  }

  private draw(page: Data): void {
    const text = JSON.stringify(page);
    if (text === this.shown) return; // what somebody is about to press stays where it is
    this.shown = text;
    const rows = rowsOf(page);
    if (!page.told) fill(this.list, el('p', { class: 'soft' }, 'Nobody is told: no way out is configured.'));
    else if (rows.length === 0)
      fill(
        this.list,
        el('p', { class: 'soft' }, 'Nothing was sent yet. Receivers appear here with their first event.'),
      );
    else fill(this.list, ...rows.map((row) => this.card(row)), page.more && more());
  }

  private card(row: Row): HTMLElement {
    const state = stateOf(row);
    return el(
      'section',
      { class: 'destination', 'aria-label': row.name },
      el('h2', { class: 'mono' }, row.name),
      el('span', { class: `pill ${state.look}` }, state.word),
      row.destination?.off && this.button('Try again', `Send events to ${row.name} again`, () => this.resume(row.name)),
      row.destination && figures(row.destination, row.letters.length),
      row.letters.length > 0 && this.letters(row),
    );
  }

  private letters(row: Row): HTMLElement {
    const every = { destination: row.name };
    const n = row.letters.length;
    const all = n === 1 ? 'The one dead letter' : `All ${count(n)} dead letters`;
    const details = el(
      'details',
      { open: this.opened.has(row.name) },
      el('summary', {}, `${count(n)} given up`),
      el(
        'p',
        { class: 'buttons' },
        this.button('Send all again', `${all} for ${row.name}`, () => this.replay(every, all)),
        this.button('Drop all', `${all} for ${row.name}`, () => this.drop(every, all)),
      ),
      el('ul', {}, ...row.letters.map((letter) => this.letter(letter))),
    );
    details.addEventListener('toggle', () => {
      if (details.open) this.opened.add(row.name);
      else if (details.isConnected) this.opened.delete(row.name);
    });
    return details;
  }

  private letter(l: Letter): HTMLElement {
    const filter = { key: l.key };
    return el(
      'li',
      {},
      el('span', { class: 'soft' }, when(l.at)),
      el('span', {}, l.type.replace('chime:', '')),
      el('a', { href: `/operator/meetings/${l.meeting}`, 'data-local': true, class: 'mono' }, short(l.meeting)),
      el('span', {}, `${l.reason}, after ${l.attempts === 1 ? '1 attempt' : `${count(l.attempts)} attempts`}`),
      el(
        'span',
        { class: 'letter-actions' },
        this.button('Send again', l.event, () => this.replay(filter, 'This event')),
        this.button('Drop', l.event, () => this.drop(filter, 'This event')),
      ),
    );
  }

  private button(text: string, about: string, act: () => void): HTMLElement {
    const { readOnly } = this.frame.server;
    return el(
      'button',
      {
        class: 'plain',
        type: 'button',
        disabled: readOnly !== '',
        title: readOnly || undefined,
        'aria-label': `${text}: ${about}`,
        on: { click: act },
      },
      text,
    );
  }

  private replay(filter: { key?: string; destination?: string }, what: string): void {
    confirm({
      title: 'Send again',
      text: `${what} will be sent once more, with the same id. A receiver that had it may have it twice.`,
      yes: 'Send again',
      act: () => this.act('replay', filter, 'on the way'),
    });
  }

  private drop(filter: { key?: string; destination?: string }, what: string): void {
    confirm({
      title: 'Drop',
      text: `${what} will be forgotten. Nobody can send it again then.`,
      yes: 'Drop',
      danger: true,
      act: () => this.act('drop', filter, 'dropped'),
    });
  }

  private async act(action: 'replay' | 'drop', filter: { key?: string; destination?: string }, done: string) {
    const { count: n = 0 } = await this.frame.server.deliver(action, { filter });
    this.frame.say(`${count(n)} ${done}`);
    await this.poll.now();
  }

  private resume(name: string): void {
    confirm({
      title: 'Try again',
      text: `${name} has asked for no more events. What waits for it will be sent.`,
      yes: 'Try again',
      act: async () => {
        await this.frame.server.deliver('resume', { filter: {}, name });
        await this.poll.now();
      },
    });
  }
}

function figures(d: Destination, dead: number): HTMLElement {
  const pair = (label: string, value: string) => el('div', {}, el('dt', {}, label), el('dd', {}, value));
  const ago = (at: number) => (at ? `${lasting(Date.now() - at)} old` : '–');
  return el(
    'dl',
    { class: 'totals' },
    pair('waiting', count(d.waiting)),
    pair('the oldest', ago(d.oldest)),
    pair('given up', count(dead)),
    pair('last failure', d.trouble ?? '–'),
  );
}

function more(): HTMLElement {
  return el('p', { class: 'soft' }, 'There are more dead letters than these: ', el('code', {}, 'carillon events dead'));
}

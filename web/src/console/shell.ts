// What stands around every page of the console: where to go, and whether what
// is shown is of now.

import { attribute, el, fill, setText } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import { when } from './format';
import type { Liveness } from './pulse';
import type { Session } from './server';

export class Shell {
  readonly element: HTMLElement;
  private readonly content = el('main', { class: 'content' });
  private readonly page = el('div');
  private readonly liveMark = el('span', { class: 'live', role: 'status' });
  private readonly banner = el('p', { class: 'note bad', role: 'alert', hidden: true });
  private readonly bannerText = el('span');
  private readonly tabs: Record<
    'live' | 'ended' | 'recordings' | 'destinations' | 'nodes' | 'health' | 'log' | 'audit' | 'settings',
    HTMLElement
  >;

  constructor(root: string, session: Session, signOut: () => void) {
    const tab = (path: string, text: string) => el('a', { href: path, 'data-local': true }, text);
    this.tabs = {
      live: tab(root, 'Meetings'),
      ended: tab(`${root}ended`, 'Ended'),
      recordings: tab(`${root}recordings`, 'Recordings'),
      destinations: tab(`${root}destinations`, 'Events'),
      nodes: tab(`${root}nodes`, 'Nodes'),
      health: tab(`${root}health`, 'Health'),
      log: tab(`${root}log`, 'Log'),
      audit: tab(`${root}audit`, 'Audit'),
      settings: tab(`${root}settings`, 'Settings'),
    };
    fill(this.banner, icon('warning', 20), this.bannerText);
    fill(this.content, this.banner, this.page);
    this.element = el('div', {}, this.header(root, session, signOut), this.content);
    this.liveness({ state: 'connecting' });
  }

  show(page: HTMLElement): void {
    this.liveness({ state: 'connecting' });
    fill(this.page, page);
  }

  /** Marks the tab of the page that is shown, if it has one. */
  mark(page: string): void {
    for (const [name, link] of Object.entries(this.tabs)) {
      attribute(link, 'aria-current', name === page ? 'page' : undefined);
      if (name === page) link.scrollIntoView({ block: 'nearest', inline: 'nearest' }); // on a phone not all fit
    }
  }

  liveness(liveness: Liveness): void {
    const words = { connecting: 'Connecting…', live: 'Live', silent: 'Not live', faulty: 'Not live' };
    attribute(this.liveMark, 'data-live', String(liveness.state === 'live'));
    setText(this.liveMark, words[liveness.state]);
    const text = outOfDate(liveness);
    this.banner.hidden = !text;
    setText(this.bannerText, text);
  }

  private header(root: string, session: Session, signOut: () => void): HTMLElement {
    const name = (look: string) => el('span', { class: look }, 'Carillon');
    return el(
      'header',
      { class: 'top' },
      el(
        'a',
        { class: 'brand', href: root, 'data-local': true },
        bell(24),
        name('wide-only'),
        name('unseen narrow-only'),
      ),
      el(
        'nav',
        { class: 'tabs', 'aria-label': 'Console' },
        this.tabs.live,
        this.tabs.ended,
        this.tabs.recordings,
        this.tabs.destinations,
        session.cluster && this.tabs.nodes,
        this.tabs.health,
        this.tabs.log,
        this.tabs.audit,
        this.tabs.settings,
        el('a', { href: `${root}explorer` }, 'API'),
      ),
      this.liveMark,
      session.dev && el('span', { class: 'pill warn', title: 'The API accepts any credentials' }, 'dev'),
      session.readOnly && el('span', { class: 'pill warn', title: 'You may change nothing' }, 'read-only'),
      el('span', { class: 'spring' }),
      session.name && session.name !== 'operator' && el('span', { class: 'soft who wide-only' }, session.name),
      session.version && el('span', { class: 'soft version wide-only' }, session.version),
      el(
        'button',
        { class: 'plain', type: 'button', on: { click: signOut } },
        icon('exit', 18),
        el('span', { class: 'wide-only' }, 'Sign out'),
        el('span', { class: 'unseen narrow-only' }, 'Sign out'),
      ),
    );
  }
}

/** Why what is shown is not of now, as sentences; empty when it is. */
function outOfDate(liveness: Liveness): string {
  if (liveness.state !== 'silent' && liveness.state !== 'faulty') return '';
  const shown = liveness.since ? `What you see is from ${when(liveness.since)}. ` : '';
  if (liveness.state === 'silent') return `${shown}The server has not answered since.`;
  const { fault } = liveness;
  return `${shown}${fault.charAt(0).toUpperCase()}${fault.slice(1)}.`;
}

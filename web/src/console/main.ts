// The operators' console: sign-in, then a list of meetings and a page for each.

import { announcer, attribute, el, fill, setText } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import type { Frame, Page } from './frame';
import { MeetingPage } from './meeting';
import { MeetingsPage } from './meetings';
import { Server, type Session } from './server';
import { signInView } from './signin';

const root = '/operator/';
const app = document.getElementById('app') as HTMLElement;
const announce = announcer();
const body = el('div', { class: 'body' });
fill(app, body, announce.element);

const server = new Server();
let session: Session = { signedIn: false, dev: false, meetingPage: false };
let page: Page | undefined;
let content = el('main', { class: 'content' });
let liveMark = el('span');

const frame: Frame = {
  server,
  say: announce.say,
  go,
  live(on) {
    attribute(liveMark, 'data-live', String(on));
    setText(liveMark, on ? 'Live' : 'Reconnecting…');
  },
  signedOut: () => void checkSession('You were signed out. Sign in again.'),
};

function go(path: string): void {
  history.pushState(null, '', path);
  route();
}

/** Shows the page of the address. */
function route(): void {
  const [first = '', id = '', attendee = ''] = location.pathname.slice(root.length).split('/');
  if (first === 'meetings' && id && page instanceof MeetingPage && page.id === id) {
    page.select(attendee);
    markTabs(first);
    return;
  }
  page?.close();
  if (first === 'meetings' && id) page = new MeetingPage(frame, id, attendee);
  else page = new MeetingsPage(frame, first === 'ended');
  fill(content, page.element);
  document.title = `${page.title} · Carillon console`;
  markTabs(first);
}

function markTabs(first: string): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement>('.tabs a')) {
    const here = link.dataset.tab === (first === 'ended' ? 'ended' : first === '' ? 'live' : 'none');
    attribute(link, 'aria-current', here ? 'page' : undefined);
  }
}

function showConsole(): void {
  liveMark = el('span', { class: 'live', role: 'status', 'data-live': 'false' }, 'Connecting…');
  content = el('main', { class: 'content' });
  const tab = (name: string, path: string, text: string) =>
    el('a', { href: path, 'data-tab': name, 'data-local': true }, text);
  const signOut = el(
    'button',
    { class: 'plain', type: 'button', on: { click: () => void server.signOut().finally(() => void checkSession()) } },
    icon('exit', 18),
    el('span', { class: 'wide-only' }, 'Sign out'),
    el('span', { class: 'unseen narrow-only' }, 'Sign out'),
  );
  fill(
    body,
    el(
      'header',
      { class: 'top' },
      el(
        'a',
        { class: 'brand', href: root, 'data-local': true },
        bell(24),
        el('span', { class: 'wide-only' }, 'Carillon'),
        el('span', { class: 'unseen narrow-only' }, 'Carillon'),
      ),
      el(
        'nav',
        { class: 'tabs', 'aria-label': 'Console' },
        tab('live', root, 'Meetings'),
        tab('ended', `${root}ended`, 'Ended'),
        el('a', { href: `${root}explorer` }, 'API'),
      ),
      liveMark,
      session.dev && el('span', { class: 'pill warn', title: 'The API accepts any credentials' }, 'dev'),
      el('span', { class: 'spring' }),
      session.version && el('span', { class: 'soft version wide-only' }, session.version),
      signOut,
    ),
    content,
  );
  route();
}

async function checkSession(reason = ''): Promise<void> {
  try {
    session = await server.session();
  } catch {
    window.setTimeout(() => void checkSession(reason), 2000); // the server is away; keep what is shown
    return;
  }
  if (session.signedIn && page) return;
  if (session.signedIn) {
    showConsole();
    return;
  }
  page?.close();
  page = undefined;
  document.title = 'Sign in · Carillon console';
  const view = signInView(
    server,
    (signedIn) => {
      session = signedIn;
      showConsole();
    },
    reason,
  );
  fill(body, view);
  view.querySelector<HTMLElement>('[data-focus]')?.focus();
}

// Links inside the console change the page without loading it anew.
document.addEventListener('click', (event) => {
  const link = (event.target as Element | null)?.closest?.('a[data-local]');
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go(link.getAttribute('href') ?? root);
});
window.addEventListener('popstate', route);
void checkSession();

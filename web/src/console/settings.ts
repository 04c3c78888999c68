// How the server is set up: its keys, certificates, files and settings in force.

import { el, fill, setText } from '../ui/dom';
import { when } from './format';
import type { Frame, Page } from './frame';
import { Poll } from './poll';
import { aboutKeys, groupsOf, leftOf, mayDo, type Setting, type Sheet } from './sheetrows';

/** How often the page asks anew, in ms. */
const every = 5000;

export class SettingsPage implements Page {
  readonly element: HTMLElement;
  readonly title = 'Settings';

  private readonly poll: Poll;
  private readonly whose = el('p', { class: 'soft sheet-whose', hidden: true });
  private readonly keysFrom = el('p', { class: 'soft' });
  private readonly keys = el('ul', { class: 'sheet-list', 'aria-label': 'Access keys' });
  private readonly certificates = el('ul', { class: 'sheet-list', 'aria-label': 'Certificates' });
  private readonly files = el('ul', { class: 'sheet-list', 'aria-label': 'Files' });
  private readonly settings = el('div', { class: 'sheet-settings' });
  private readonly search = el('input', {
    class: 'input',
    type: 'search',
    placeholder: 'Find a setting',
    'aria-label': 'Find a setting',
    on: { input: () => this.drawSettings() },
  });
  private readonly all = el('input', { type: 'checkbox', on: { change: () => this.drawSettings() } });
  private inForce: Setting[] = [];
  private shown = '';

  constructor(private readonly frame: Frame) {
    const part = (title: string, ...inside: Node[]) =>
      el('section', { class: 'sheet-part' }, el('h2', {}, title), ...inside);
    this.element = el(
      'div',
      { class: 'list-page' },
      el('div', { class: 'list-head' }, el('h1', {}, 'How this server is set up')),
      this.whose,
      part('Access keys', this.keysFrom, this.keys),
      part('Certificates', this.certificates),
      part('Files that are read again when they change', this.files),
      part(
        'Settings in force',
        el('div', { class: 'sheet-search' }, this.search, el('label', { class: 'tick' }, this.all, 'Defaults too')),
        this.settings,
      ),
    );
    this.poll = new Poll(frame, every, async (current) => {
      const sheet = await this.frame.server.sheet();
      if (current()) this.draw(sheet);
    });
    void this.poll.now();
  }

  close(): void {
    this.poll.close();
  }

  private draw(sheet: Sheet): void {
    const text = JSON.stringify(sheet);
    if (text === this.shown) return;
    this.shown = text;
    this.whose.hidden = !sheet.node;
    setText(
      this.whose,
      `Each node of the cluster has its own; this is ${sheet.node ?? ''}. When keys were last used is that of all nodes.`,
    );
    setText(this.keysFrom, aboutKeys(sheet));
    fill(this.keys, ...sheet.keys.map(keyLine));
    const none = el('li', { class: 'soft' }, 'None: the server does not speak TLS itself.');
    fill(this.certificates, ...(sheet.certificates.length > 0 ? sheet.certificates.map(certificateLine) : [none]));
    fill(this.files, ...sheet.files.map(fileLine));
    this.inForce = sheet.settings ?? [];
    this.drawSettings();
  }

  private drawSettings(): void {
    const groups = groupsOf(this.inForce, this.search.value, this.all.checked || this.search.value.trim() !== '');
    const table = ([group, settings]: [string, Setting[]]) =>
      el('div', {}, el('h3', {}, group), el('dl', { class: 'sheet-values' }, ...settings.map(settingLine)));
    const none = el('p', { class: 'soft' }, 'There is no setting that fits: everything is as by default.');
    fill(this.settings, ...(groups.length > 0 ? groups.map(table) : [none]));
  }
}

function keyLine(key: Sheet['keys'][number]): HTMLElement {
  const sessions = key.sessions ? `Needs a session token; the longest is good until ${when(key.expires)}.` : '';
  return el(
    'li',
    {},
    el('span', { class: 'mono' }, key.id),
    el('span', { class: 'soft' }, 'account ', el('span', { class: 'mono' }, key.account)),
    el('span', {}, `May do ${mayDo(key)}. ${sessions}`),
    el('span', { class: 'soft sheet-used' }, key.used ? `last used ${when(key.used)}` : 'never used'),
  );
}

function certificateLine(c: Sheet['certificates'][number]): HTMLElement {
  const { words, look } = leftOf(c.until, Date.now());
  return el(
    'li',
    {},
    el('span', {}, c.use),
    el('span', { class: `pill ${look}` }, words),
    el('span', {}, `${c.name}, until ${new Date(c.until).toLocaleString()}`),
    el('span', { class: 'soft mono' }, c.source),
  );
}

function fileLine(f: Sheet['files'][number]): HTMLElement {
  return el(
    'li',
    {},
    el('span', {}, f.what),
    el('span', { class: f.fault ? 'pill bad' : 'pill good' }, f.fault ? 'not taken' : 'in use'),
    el('span', {}, f.fault ?? (f.read ? `read again ${when(f.read)}` : 'as read at the start')),
    el('span', { class: 'soft mono' }, f.files.join(', ')),
  );
}

function settingLine(s: Setting): HTMLElement {
  return el(
    'div',
    {},
    el('dt', { class: 'mono' }, s.name),
    el('dd', {}, el('span', { class: 'mono' }, s.value), s.from !== 'default' && el('span', { class: 'pill' }, s.from)),
  );
}

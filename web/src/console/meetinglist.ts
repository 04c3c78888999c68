// The columns and rows of the two lists of meetings.

import { attribute, type Drawn, el, setText } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';
import { compareNames } from '../ui/names';
import { count, lasting, short, when } from './format';
import type { MeetingRow } from './rows';
import { type Column, cell } from './virtual';

const byText = (of: (m: MeetingRow) => string) => (a: MeetingRow, b: MeetingRow) => compareNames(of(a), of(b));
const byNumber = (of: (m: MeetingRow) => number) => (a: MeetingRow, b: MeetingRow) => of(a) - of(b);

export const liveColumns: Column<MeetingRow>[] = [
  { title: 'Meeting', class: 'm-name', sort: byText((m) => m.external || m.id) },
  { title: 'Account', class: 'm-account', sort: byText((m) => m.account) },
  { title: 'API', class: 'm-flavour', sort: byText((m) => m.flavour) },
  { title: 'Age', class: 'm-age number', sort: (a, b) => b.created - a.created },
  { title: 'Here', class: 'm-people number', sort: byNumber((m) => m.connected * 1000 + m.attendees) },
  { title: 'Media', class: 'm-media' },
  { title: 'Minutes', class: 'm-minutes number', sort: byNumber((m) => m.minutes) },
  { title: 'Host', class: 'm-host', sort: byText((m) => m.host) },
];

export const endedColumns: Column<MeetingRow>[] = [
  { title: 'Meeting', class: 'm-name', sort: byText((m) => m.external || m.id) },
  { title: 'Account', class: 'm-account', sort: byText((m) => m.account) },
  { title: 'API', class: 'm-flavour', sort: byText((m) => m.flavour) },
  { title: 'Ended', class: 'm-ended number', sort: byNumber((m) => m.ended) },
  { title: 'Lasted', class: 'm-age number', sort: byNumber((m) => m.ended - m.created) },
  { title: 'Why', class: 'm-why', sort: byText((m) => m.reason ?? '') },
];

/** A row of the meetings that go on; now tells the server's time. */
export function liveRow(now: () => number): Drawn<MeetingRow> {
  const name = nameCell();
  const account = cell('m-account mono');
  const flavour = cell('m-flavour');
  const age = cell('m-age number');
  const people = cell('m-people number');
  const kinds = [
    mediaCount('audio', 'mic', 'with audio'),
    mediaCount('video', 'camera', 'with camera'),
    mediaCount('content', 'share', 'sharing'),
  ];
  const minutes = cell('m-minutes number');
  const host = cell('m-host mono');
  const media = cell('m-media', ...kinds.map((kind) => kind.element));
  const element = el(
    'div',
    { class: 'vt-row', role: 'row' },
    name.element,
    account,
    flavour,
    age,
    people,
    media,
    minutes,
    host,
  );
  return {
    element,
    draw(m) {
      name.draw(m);
      setText(account, m.account);
      setText(flavour, m.flavour);
      setText(age, lasting(now() - m.created));
      setText(people, `${m.connected} / ${m.attendees}`);
      setText(minutes, count(m.minutes));
      setText(host, m.host || '–');
      for (const kind of kinds) kind.draw(m);
      element.classList.toggle('faulty', m.failures > 0);
      attribute(element, 'title', m.failures ? `${m.failures} connections failed while joining` : undefined);
    },
  };
}

/** A row of the meetings that have ended. */
export function endedRow(): Drawn<MeetingRow> {
  const name = nameCell();
  const account = cell('m-account mono');
  const flavour = cell('m-flavour');
  const ended = cell('m-ended number');
  const lasted = cell('m-age number');
  const why = cell('m-why');
  return {
    element: el('div', { class: 'vt-row', role: 'row' }, name.element, account, flavour, ended, lasted, why),
    draw(m) {
      name.draw(m);
      setText(account, m.account);
      setText(flavour, m.flavour);
      setText(ended, when(m.ended));
      setText(lasted, lasting(m.ended - m.created));
      setText(why, m.reason ?? '');
    },
  };
}

function nameCell(): Drawn<MeetingRow> {
  const link = el('a', { 'data-local': true });
  const id = el('span', { class: 'mono soft m-id' });
  const element = cell('m-name', link, id);
  return {
    element,
    draw(m) {
      attribute(element, 'title', m.external || undefined); // there may be room for a part of it only
      attribute(link, 'href', `/operator/meetings/${m.id}`);
      setText(link, m.external || 'without a name');
      setText(id, short(m.id));
    },
  };
}

function mediaCount(kind: 'audio' | 'video' | 'content', image: IconName, label: string): Drawn<MeetingRow> {
  const number = el('span');
  const element = el(
    'span',
    { class: 'm-kind', title: label },
    icon(image, 16),
    number,
    el('span', { class: 'unseen' }, ` ${label}`),
  );
  return {
    element,
    draw(m) {
      setText(number, String(m[kind]));
      element.classList.toggle('none', m[kind] === 0);
    },
  };
}

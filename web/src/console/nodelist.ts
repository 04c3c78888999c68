// The columns and rows of the list of nodes, and what is to be said of them.

import { type Drawn, el, setText } from '../ui/dom';
import { compareNames } from '../ui/names';
import { count, lasting } from './format';
import type { NodeRow } from './rows';
import { type Column, cell } from './virtual';

const byNumber = (of: (n: NodeRow) => number) => (a: NodeRow, b: NodeRow) => of(a) - of(b);

export const nodeColumns: Column<NodeRow>[] = [
  { title: 'Node', class: 'n-name', sort: (a, b) => compareNames(a.id, b.id) },
  { title: 'State', class: 'n-state', sort: (a, b) => compareNames(stateOf(a), stateOf(b)) },
  { title: 'People', class: 'n-people number', sort: byNumber((n) => n.connected) },
  { title: 'Slots', class: 'n-slots number', sort: byNumber((n) => n.slots) },
  { title: 'Data', class: 'n-data', sort: byNumber((n) => n.behind) },
  { title: 'Version', class: 'n-version' },
  { title: 'Address', class: 'n-address' },
];

/** How a node is, in a few words. */
export function stateOf(n: NodeRow): string {
  if (!n.live) return n.silent > 0 ? `silent for ${lasting(n.silent)}` : 'silent';
  if (n.draining) return n.slots > 0 ? 'hands its slots over' : 'emptied';
  return n.leader ? 'live, moves slots' : 'live';
}

/** How complete a node's copies of what is stored are. */
export function dataOf(n: NodeRow): string {
  if (n.copies < 0) return 'not known now';
  if (n.copies === 0) return 'keeps no copies';
  if (n.behind === 0) return 'current';
  return `${count(n.behind)} of ${count(n.copies)} copies behind`;
}

/** What an operator should know of the nodes together; empty when all is well. */
export function troubleOf(nodes: NodeRow[]): string {
  const names = (list: NodeRow[]) => list.map((n) => n.id).join(', ');
  const silent = nodes.filter((n) => !n.live);
  const here = nodes.find((n) => n.here);
  if (here && silent.length * 2 >= nodes.length)
    return `${here.id}, which you ask, hears of less than half of the nodes: it answers for no meeting until that is over.`;
  const words: string[] = [];
  if (silent.some((n) => n.slots > 0))
    words.push(
      `The meetings of ${names(silent.filter((n) => n.slots > 0))} cannot be reached until others have taken them, in seconds.`,
    );
  else if (silent.length > 0) words.push(`Nothing is heard of ${names(silent)}; the others have its meetings.`);
  const behind = nodes.filter((n) => n.live && n.behind > 0);
  if (behind.length > 0) words.push(`Leave the other nodes alone until the data of ${names(behind)} is current.`);
  if (nodes.some((n) => n.copies < 0))
    words.push('How complete the copies are cannot be told now: the store does not answer.');
  return words.join(' ');
}

export function nodeRow(): Drawn<NodeRow> {
  const name = el('span', { class: 'mono' });
  const here = el('span', { class: 'soft n-here' }, 'you ask this one');
  const state = cell('n-state');
  const people = cell('n-people number');
  const slots = cell('n-slots number');
  const data = cell('n-data');
  const version = cell('n-version mono soft');
  const address = cell('n-address mono soft');
  const element = el(
    'div',
    { class: 'vt-row', role: 'row' },
    cell('n-name', name, here),
    state,
    people,
    slots,
    data,
    version,
    address,
  );
  return {
    element,
    draw(n) {
      setText(name, n.id);
      here.hidden = !n.here;
      setText(state, stateOf(n));
      setText(people, count(n.connected));
      setText(slots, n.arriving > 0 ? `${n.slots} + ${n.arriving}` : String(n.slots));
      setText(data, dataOf(n));
      setText(version, n.version || '–');
      setText(address, n.address || '–');
      element.classList.toggle('faulty', !n.live);
    },
  };
}

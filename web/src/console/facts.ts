// Labelled values: those of a meeting and of an attendee.

import { el, fill } from '../ui/dom';
import { count, lasting, when } from './format';
import type { Features, MeetingRow } from './rows';

export type Fact = [label: string, value: string];

/** A list of facts, drawn anew only when one has changed. */
export class FactList {
  readonly element: HTMLElement;
  private shown = '';

  constructor(look = '') {
    this.element = el('dl', { class: `facts ${look}` });
  }

  show(facts: Fact[]): void {
    const key = JSON.stringify(facts);
    if (key === this.shown) return;
    this.shown = key;
    fill(this.element, ...facts.map(([label, value]) => el('div', {}, el('dt', {}, label), el('dd', {}, value))));
  }
}

/** What is to be said about a meeting at a moment. */
export function factsOf(m: MeetingRow, now: number): Fact[] {
  const facts = m.ended ? pastFacts(m) : presentFacts(m, now);
  facts.push(
    ['Created', when(m.created)],
    ['Account', m.account],
    ['API', `${m.flavour}, ${m.region}`],
    ['Media region', m.mediaRegion],
  );
  if (m.primary) facts.push(['Replica of', m.primary]);
  facts.push(...featureFacts(m.features), ...timerFacts(m.timers));
  for (const target of m.unreached ?? []) facts.push(['Gets no events', target]);
  for (const tag of m.tags) facts.push([`Tag ${tag.key}`, tag.value]);
  return facts;
}

function presentFacts(m: MeetingRow, now: number): Fact[] {
  return [
    ['Age', lasting(now - m.created)],
    ['Attendees', `${count(m.connected)} connected of ${count(m.attendees)}`],
    ['Media', `${count(m.audio)} audio, ${count(m.video)} video, ${count(m.content)} content`],
    ['Attendee-minutes', count(m.minutes)],
    ['Host', m.host || 'none yet'],
  ];
}

function pastFacts(m: MeetingRow): Fact[] {
  const facts: Fact[] = [['Ended', `${when(m.ended)}: ${m.reason ?? 'for an unknown reason'}`]];
  if (m.endedBy) facts.push(['By', m.endedBy]);
  facts.push(
    ['Lasted', lasting(m.ended - m.created)],
    ['Attendees', `${count(m.attendees)} invited when it ended`],
    ['Attendee-minutes', count(m.minutes)],
  );
  return facts;
}

/** When the meeting ends by itself, if it has timers of its own. */
function timerFacts({ idle, maxAge }: MeetingRow['timers']): Fact[] {
  const facts: Fact[] = [];
  if (idle) facts.push(['Ends when empty for', lasting(idle)]);
  if (maxAge) facts.push(['Ends at the age of', lasting(maxAge)]);
  return facts;
}

/** What the creator asked for, not the defaults. */
function featureFacts(f: Features = {}): Fact[] {
  const all: [string, string | number | undefined][] = [
    ['Echo reduction', f.echoReduction],
    ['Video up to', f.videoMax],
    ['Content up to', f.contentMax],
    ['Attendees up to', f.maxCount],
  ];
  return all.flatMap(([label, value]): Fact[] => (value ? [[label, String(value)]] : []));
}

// What is to be said about an attendee.

import type { Fact } from './facts';
import { lasting, when } from './format';
import { measuredFacts } from './measured';
import { maySpeak, silencedWords, stateWords } from './people';
import type { AttendeeRow, Point, Quality, SessionRow } from './rows';

/** What is to be said at a moment, with the newest measurement. */
export function personFacts(row: AttendeeRow, point: Point | undefined, now: number): Fact[] {
  const facts: Fact[] = [['Attendee id', row.id]];
  if (row.external) facts.push(['External user id', row.external]);
  if (row.capabilities && !row.deleted) {
    facts.push(['May use', rightsWords(row.capabilities)]);
    if (row.capabilitiesBy) facts.push(['Changed by', row.capabilitiesBy]);
  }
  for (const tag of row.tags) facts.push([`Tag ${tag.key}`, tag.value]);
  const own = row.sessions.filter((s) => !s.content).at(-1);
  if (own) {
    facts.push(...sessionFacts(own, now));
    if (own.state === 'connected') facts.push(['Sends', sends(row, own)]);
    facts.push(...measuredFacts(own, point));
  }
  const share = row.sessions.filter((s) => s.content).at(-1);
  if (share) facts.push(['Content share', `${stateWords[share.state]} since ${when(share.ended || share.opened)}`]);
  return facts;
}

function rightsWords({ audio, video, content }: { audio: string; video: string; content: string }): string {
  return `audio ${audio}, video ${video}, content ${content}`;
}

function sends(row: AttendeeRow, own: SessionRow): string {
  const audio = !maySpeak(row) ? `no audio: ${silencedWords(row)}` : own.muted ? 'muted' : 'audio';
  return own.video ? `${audio}, video` : audio;
}

function sessionFacts(s: SessionRow, now: number): Fact[] {
  const facts: Fact[] = s.ended
    ? [['Was connected', `${when(s.opened)} to ${when(s.ended)}`]]
    : [['Since', `${when(s.opened)} (${lasting(now - s.opened)})`]];
  if (s.reason) facts.push(['Ended because', s.reason]);
  if (s.remote) facts.push(['From', s.remote]);
  if (s.client) facts.push(['Client', s.client]);
  if (s.quality) facts.push(...qualityFacts(s.quality));
  return facts;
}

/** How good the whole connection has been: on average, and the worst moment. */
export function qualityFacts(q: Quality): Fact[] {
  const facts: Fact[] = [
    ['Lost from the client', `${q.lossIn} %, at worst ${q.lossInMax} %`],
    ['Lost to the client', `${q.lossOut} %, at worst ${q.lossOutMax} %`],
  ];
  if (q.rtt) facts.push(['Round trip, whole connection', `${q.rtt} ms, at worst ${q.rttMax} ms`]);
  if (q.weak || q.concealed) {
    const part = (n: number) => `${Math.round((100 * n) / q.samples)} %`;
    facts.push(['Bad moments', `${part(q.weak)} weak signal, ${part(q.concealed)} gaps in the sound`]);
  }
  return facts;
}

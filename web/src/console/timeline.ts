// How joining went, step by step, with a word for the step that failed.

import { el, fill } from '../ui/dom';
import { icon } from '../ui/icons';
import { when } from './format';
import type { SessionRow, StepName } from './rows';

interface StepText {
  name: StepName;
  title: string;
  /** What to look at when a client gets no further than the step before. */
  stuck: string;
}

const steps: StepText[] = [
  { name: 'token', title: 'Join token accepted', stuck: 'No connection with a good token of this attendee arrived.' },
  {
    name: 'socket',
    title: 'Signaling socket open',
    stuck: 'The WebSocket did not open. A proxy may refuse WebSockets or drop the sub-protocol.',
  },
  {
    name: 'join',
    title: 'JOIN answered',
    stuck: 'The client opened its socket but did not ask to join. Its page may have been closed or frozen.',
  },
  {
    name: 'subscribe',
    title: 'SUBSCRIBE answered',
    stuck:
      'No media offer came. The browser may be waiting for permission to use the microphone, or gathering addresses.',
  },
  {
    name: 'ice',
    title: 'Network path found (ICE)',
    stuck:
      'No path to the media ports. Check that UDP and TCP media ports are open to the client and that the announced addresses are right.',
  },
  {
    name: 'dtls',
    title: 'Encryption agreed (DTLS)',
    stuck:
      'A path was found but the handshake did not finish. Packets may be lost, or something in between drops large ones.',
  },
  {
    name: 'audio',
    title: 'First audio arrived',
    stuck: 'Connected, but no audio has come. The microphone may be blocked in the browser.',
  },
];

// Connections are remembered by the process that had them, not by the record.
const neverTried =
  'Has not tried to join since this server started: no signaling connection was opened with this attendee’s token. Look at the client’s console, and at whether it got the right SignalingUrl.';
const forgotten = 'Nothing is remembered of its connections, if it had any.';

/** Shows the steps of a session in an element; of a meeting that has ended, perhaps. */
export function drawTimeline(list: HTMLElement, session: SessionRow | undefined, ended: boolean): void {
  const key = JSON.stringify([session?.key, session?.state, session?.steps, ended]);
  if (list.dataset.shown === key) return;
  list.dataset.shown = key;
  if (!session) {
    fill(list, el('li', { class: 'step missing' }, el('p', {}, ended ? forgotten : neverTried)));
    return;
  }
  const done = new Map(session.steps.map((step) => [step.name, step]));
  const start = session.steps[0]?.at ?? session.opened;
  let stopped = false;
  const items = steps.map((text) => {
    const step = done.get(text.name);
    const failed = !!step?.fault;
    const first = !stopped && (!step || failed);
    stopped ||= first;
    const state = step && !failed ? 'done' : failed ? 'failed' : 'missing';
    return el(
      'li',
      { class: `step ${state}` },
      el(
        'span',
        { class: 'step-mark' },
        state === 'done' ? icon('check', 16) : state === 'failed' ? icon('cross', 16) : icon('dot', 16),
      ),
      el(
        'p',
        { class: 'step-title' },
        text.title,
        el('span', { class: 'unseen' }, { done: ': done', failed: ': failed', missing: ': not reached' }[state]),
        step && el('span', { class: 'soft step-time', title: when(step.at) }, offset(step.at - start)),
      ),
      first && el('p', { class: 'step-why' }, why(step?.fault, text, session)),
    );
  });
  fill(list, ...items);
}

function offset(ms: number): string {
  return ms < 10_000 ? `+${Math.max(0, ms)} ms` : `+${(ms / 1000).toFixed(1)} s`;
}

function why(fault: string | undefined, text: StepText, session: SessionRow): string {
  if (fault) return fault;
  if (session.state === 'joining') return 'Waiting for this now.';
  if (session.state === 'connected' && text.name === 'audio') {
    if (session.silenced) return 'Connected, but it may not send audio.';
    if (session.muted) return 'Connected and muted, so no audio is expected yet.';
  }
  return text.stuck;
}

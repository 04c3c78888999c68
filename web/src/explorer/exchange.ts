// What was sent, what came back, and how it was signed.

import { el, fill } from '../ui/dom';
import { block } from './block';
import type { Signed } from './sigv4';

export interface Answered {
  method: string;
  /** The body that was sent; undefined for none. */
  body: string | undefined;
  signed: Signed;
  answer: Response;
  /** The body that came back. */
  text: string;
  /** From sending to the last byte, in ms. */
  took: number;
}

/** Answer headers worth reading. */
const telling = /^(content-type|x-amzn-|retry-after|date)/;

export class Exchange {
  readonly element = el('section', { class: 'exchange', 'aria-label': 'Request and answer' });

  constructor(private readonly say: (text: string) => void) {}

  clear(): void {
    fill(this.element);
  }

  show({ method, body, signed, answer, text, took }: Answered): void {
    const shown = (content: string, what: string) => block(content, what, this.say);
    const status = el('span', { class: answer.ok ? 'status good' : 'status bad' }, String(answer.status));
    fill(
      this.element,
      el('h3', {}, 'Answer', status, el('span', { class: 'soft small' }, `${took} ms`)),
      shown(message(`HTTP/1.1 ${answer.status} ${answer.statusText}`.trim(), tellingOf(answer), text), 'Answer'),
      el('h3', {}, 'Signed request'),
      shown(message(`${method} ${signed.target} HTTP/1.1`, sentWith(signed), body ?? ''), 'Signed request'),
      el(
        'details',
        {},
        el('summary', {}, 'How it was signed'),
        shown(signed.canonical, 'Canonical request'),
        shown(signed.stringToSign, 'String to sign'),
      ),
    );
  }
}

type Headers = [name: string, value: string][];

function tellingOf(answer: Response): Headers {
  return [...answer.headers].filter(([name]) => telling.test(name));
}

/** What went over the wire: the browser adds Host itself. */
function sentWith(signed: Signed): Headers {
  return [['host', location.host], ...Object.entries(signed.headers)];
}

function message(first: string, headers: Headers, body: string): string {
  const head = [first, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\n');
  return body ? `${head}\n\n${pretty(body)}` : head;
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// The API explorer: fill in, sign, send, read, copy.

import { announcer, attribute, el, fill, setText } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import { CredentialForm } from './credentials';
import { type Filled, OperationForm, type Remembered } from './form';
import { basePath, type Flavour, type Operation, operations } from './operations';
import { type Signed, sign } from './sigv4';
import { snippets } from './snippets';

const app = document.getElementById('app') as HTMLElement;
const announce = announcer();
const credentials = new CredentialForm(() => drawSnippets());
const list = el('ul', { class: 'operations' });
const picker = el('select', {
  class: 'input operation-picker',
  'aria-label': 'Operation',
  on: { change: () => choose(flavour, picker.value) },
});
const heading = el('h2');
const about = el('p', { class: 'soft' });
const route = el('p', { class: 'mono route' });
const fields = el('div');
const problem = el('div', { role: 'alert' });
const sendButton = el('button', { class: 'button main', type: 'submit' }, 'Sign and send');
const exchange = el('section', { class: 'exchange', 'aria-label': 'Request and answer' });
const code = el('section', { class: 'code', 'aria-label': 'The same call elsewhere' });

/** What earlier answers left behind, apart for each flavour. */
const remembered: Record<Flavour, Remembered> = { meetings: new Map(), legacy: new Map() };

let flavour: Flavour = 'meetings';
let operation: Operation = operations.meetings[0] as Operation;
let form = new OperationForm(operation, remembered.meetings, drawSnippets);
let tab = 0;

function choose(nextFlavour: Flavour, name: string): void {
  flavour = nextFlavour;
  operation = operations[flavour].find((o) => o.name === name) ?? (operations[flavour][0] as Operation);
  form = new OperationForm(operation, remembered[flavour], drawSnippets);
  history.replaceState(null, '', `#${flavour}/${operation.name}`);
  setText(heading, operation.name);
  setText(about, operation.about);
  setText(
    route,
    `${operation.method} ${basePath[flavour]}${operation.path}${operation.operation ? `?operation=${operation.operation}` : ''}`,
  );
  fill(fields, form.element);
  fill(problem);
  fill(exchange);
  drawOperations();
  drawSnippets();
}

function drawOperations(): void {
  const item = (o: Operation) => {
    const button = el(
      'button',
      { class: 'operation', type: 'button', on: { click: () => choose(flavour, o.name) } },
      el('span', { class: `method ${o.method}` }, o.method),
      o.name,
    );
    attribute(button, 'aria-current', o === operation ? 'true' : undefined);
    return el('li', {}, button);
  };
  fill(list, ...operations[flavour].map(item));
  fill(picker, ...operations[flavour].map((o) => el('option', { value: o.name }, `${o.method} ${o.name}`)));
  picker.value = operation.name;
}

function drawSnippets(): void {
  const made = snippets({
    flavour,
    operation,
    input: form.sofar().input,
    origin: location.origin,
    region: credentials.value.region,
  });
  const shown = made[tab] ?? made[0];
  if (!shown) return;
  const tabs = made.map((snippet, i) =>
    el(
      'button',
      {
        class: 'tab',
        type: 'button',
        role: 'tab',
        id: `tab-${i}`,
        'aria-selected': String(i === tab),
        'aria-controls': 'snippet',
        tabindex: i === tab ? 0 : -1,
        on: { click: () => showTab(i), keydown: (event) => moveTab(event, i, made.length) },
      },
      snippet.title,
    ),
  );
  fill(
    code,
    el('h3', {}, 'The same call elsewhere'),
    el('div', { class: 'tabs-row', role: 'tablist', 'aria-label': 'Language' }, ...tabs),
    el(
      'div',
      { role: 'tabpanel', id: 'snippet', 'aria-labelledby': `tab-${tab}` },
      shown.note && el('p', { class: 'soft small' }, shown.note),
      block(shown.code, shown.title),
    ),
  );
}

function showTab(i: number): void {
  tab = i;
  drawSnippets();
}

function moveTab(event: KeyboardEvent, i: number, count: number): void {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  if (!step) return;
  event.preventDefault();
  showTab((i + step + count) % count);
  document.getElementById(`tab-${tab}`)?.focus();
}

/** Text to read and to copy. */
function block(text: string, what: string): HTMLElement {
  const copy = el(
    'button',
    { class: 'plain copy', type: 'button', 'aria-label': `Copy ${what}`, on: { click: () => void copyText(text) } },
    icon('copy', 18),
    'Copy',
  );
  return el('div', { class: 'block' }, el('pre', { tabindex: 0, 'aria-label': what }, text), copy);
}

async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce.say('Copied');
  } catch {
    announce.say('The browser did not allow copying');
  }
}

async function send(event: Event): Promise<void> {
  event.preventDefault();
  const filled = form.complete();
  const fault = credentials.fault() ?? (filled ? undefined : 'Fill in what is marked.');
  fill(problem, fault && el('p', { class: 'note bad' }, icon('warning', 20), fault));
  if (!filled || fault) return;
  sendButton.disabled = true;
  try {
    await exchangeOf(filled);
  } catch {
    fill(problem, el('p', { class: 'note bad' }, icon('warning', 20), 'The server cannot be reached.'));
  } finally {
    sendButton.disabled = false;
  }
}

async function exchangeOf(filled: Filled): Promise<void> {
  const request = {
    method: operation.method,
    host: location.host,
    path: basePath[flavour] + filled.path,
    query: filled.query,
    body: filled.body,
  };
  const signed = await sign(request, credentials.value, new Date());
  const started = performance.now();
  const answer = await fetch(signed.target, {
    method: request.method,
    headers: signed.headers,
    body: request.body ?? null,
    credentials: 'omit',
    cache: 'no-store',
  });
  const text = await answer.text();
  const took = Math.round(performance.now() - started);
  remember(text);
  drawExchange(request.method, request.body, signed, answer, text, took);
  announce.say(`Answered with status ${answer.status}`);
}

/** Keeps ids out of an answer, to fill them into the next form. */
function remember(text: string): void {
  let data: {
    Meeting?: Record<string, string>;
    Attendee?: Record<string, string>;
    Attendees?: Record<string, string>[];
  };
  try {
    data = JSON.parse(text) as typeof data;
  } catch {
    return;
  }
  const keep = remembered[flavour];
  const set = (name: string, value: string | undefined) => {
    if (value) keep.set(name, value);
  };
  set('MeetingId', data.Meeting?.MeetingId);
  set('ResourceARN', data.Meeting?.MeetingArn ?? legacyArn(data.Meeting?.MeetingId));
  set('AttendeeId', data.Attendee?.AttendeeId ?? data.Attendees?.[0]?.AttendeeId);
}

/** The legacy flavour returns no ARN; this is its form for a single account. */
function legacyArn(meetingId: string | undefined): string | undefined {
  return meetingId && flavour === 'legacy' ? `arn:aws:chime:us-east-1:000000000000:meeting/${meetingId}` : undefined;
}

function drawExchange(
  method: string,
  body: string | undefined,
  signed: Signed,
  answer: Response,
  text: string,
  took: number,
): void {
  const head = [
    `${method} ${signed.target} HTTP/1.1`,
    `host: ${location.host}`,
    ...Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}`),
  ];
  const requestText = head.join('\n') + (body === undefined ? '' : `\n\n${pretty(body)}`);
  const answerHead = [
    `HTTP/1.1 ${answer.status} ${answer.statusText}`.trim(),
    ...[...answer.headers]
      .filter(([name]) => /^(content-type|x-amzn-|retry-after|date)/.test(name))
      .map(([name, value]) => `${name}: ${value}`),
  ];
  fill(
    exchange,
    el(
      'h3',
      {},
      'Answer',
      el('span', { class: answer.ok ? 'status good' : 'status bad' }, String(answer.status)),
      el('span', { class: 'soft small' }, `${took} ms`),
    ),
    block(answerHead.join('\n') + (text ? `\n\n${pretty(text)}` : ''), 'Answer'),
    el('h3', {}, 'Signed request'),
    block(requestText, 'Signed request'),
    el(
      'details',
      {},
      el('summary', {}, 'How it was signed'),
      block(signed.canonical, 'Canonical request'),
      block(signed.stringToSign, 'String to sign'),
    ),
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function flavourSwitch(): HTMLElement {
  const option = (value: Flavour, label: string) => {
    const input = el('input', {
      type: 'radio',
      name: 'flavour',
      value,
      id: `flavour-${value}`,
      on: { change: () => choose(value, operation.name) },
    });
    input.checked = value === flavour;
    return el('label', { for: `flavour-${value}` }, input, label);
  };
  return el(
    'fieldset',
    { class: 'flavours' },
    el('legend', { class: 'unseen' }, 'Flavour of the API'),
    option('meetings', 'Meetings'),
    option('legacy', 'Legacy'),
  );
}

function start(): void {
  const [wantedFlavour = '', name = ''] = location.hash.slice(1).split('/');
  flavour = wantedFlavour === 'legacy' ? 'legacy' : 'meetings';
  fill(
    app,
    el(
      'header',
      { class: 'top' },
      el('a', { class: 'brand', href: '/operator/' }, bell(24), el('span', { class: 'brand-name' }, 'Carillon')),
      el('h1', {}, 'API explorer'),
      el('span', { class: 'spring' }),
      credentials.toggle,
    ),
    credentials.element,
    el(
      'main',
      { class: 'explorer' },
      el('nav', { class: 'side', 'aria-label': 'Operations' }, flavourSwitch(), picker, list),
      el(
        'div',
        { class: 'work' },
        el(
          'form',
          { class: 'request', novalidate: true, on: { submit: (event) => void send(event) } },
          heading,
          about,
          route,
          fields,
          problem,
          el('div', { class: 'send' }, sendButton),
        ),
        exchange,
        code,
      ),
    ),
    announce.element,
  );
  choose(flavour, name);
}

start();

// The API explorer: fill in, sign, send, read, copy.

import { announcer, el, fill, setText } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import { Catalogue } from './catalogue';
import { CredentialForm } from './credentials';
import { type Answered, Exchange } from './exchange';
import { type Filled, OperationForm, type Remembered } from './form';
import { basePath, type Flavour, type Operation, operations } from './operations';
import { remember } from './remembered';
import { Seats } from './seats';
import { sign } from './sigv4';
import { SnippetView } from './snippetview';

/** How long an answer may take, in ms. */
const patience = 30_000;

class Explorer {
  private readonly announce = announcer();
  private readonly credentials = new CredentialForm(() => this.drawSnippets());
  private readonly catalogue = new Catalogue((flavour, name) => this.choose(flavour, name));
  private readonly exchange = new Exchange(this.announce.say);
  private readonly seats = new Seats(
    (id) => this.meeting(id),
    (fault) => this.complain(fault),
  );
  private readonly snippets = new SnippetView(this.announce.say);
  private readonly heading = el('h2');
  private readonly about = el('p', { class: 'soft' });
  private readonly route = el('p', { class: 'mono route' });
  private readonly fields = el('div');
  private readonly problem = el('div', { role: 'alert' });
  private readonly send = el('button', { class: 'button main', type: 'submit' }, 'Sign and send');

  /** What earlier answers left behind, apart for each flavour. */
  private readonly remembered: Record<Flavour, Remembered> = { meetings: new Map(), legacy: new Map() };

  private flavour: Flavour;
  private operation: Operation;
  private form: OperationForm;

  /** Begins with the operation of an address such as "#legacy/CreateMeeting". */
  constructor(app: HTMLElement, hash: string) {
    const [flavour = '', name = ''] = hash.slice(1).split('/');
    this.flavour = flavour === 'legacy' ? 'legacy' : 'meetings';
    this.operation = operationOf(this.flavour, name);
    this.form = this.newForm();
    this.layout(app);
    this.draw();
  }

  private choose(flavour: Flavour, name: string): void {
    this.flavour = flavour;
    this.operation = operationOf(flavour, name);
    this.form = this.newForm();
    this.draw();
  }

  private newForm(): OperationForm {
    return new OperationForm(this.operation, this.remembered[this.flavour], () => this.drawSnippets());
  }

  private draw(): void {
    const { flavour, operation } = this;
    history.replaceState(null, '', `#${flavour}/${operation.name}`);
    setText(this.heading, operation.name);
    setText(this.about, operation.about);
    const query = operation.operation ? `?operation=${operation.operation}` : '';
    setText(this.route, `${operation.method} ${basePath[flavour]}${operation.path}${query}`);
    fill(this.fields, this.form.element);
    fill(this.problem);
    this.exchange.clear();
    this.seats.clear();
    this.catalogue.show(flavour, operation);
    this.drawSnippets();
  }

  private drawSnippets(): void {
    this.snippets.show({
      flavour: this.flavour,
      operation: this.operation,
      input: this.form.sofar().input,
      origin: location.origin,
      region: this.credentials.value.region,
    });
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    const filled = this.form.complete();
    const fault = this.credentials.fault() ?? (filled ? undefined : 'Fill in what is marked.');
    this.complain(fault);
    if (!filled || fault) return;
    this.send.disabled = true;
    try {
      await this.call(filled);
    } catch (error) {
      const frozen = error instanceof DOMException && error.name === 'TimeoutError';
      this.complain(frozen ? 'The server does not answer.' : 'The server cannot be reached.');
    } finally {
      this.send.disabled = false;
    }
  }

  private complain(fault: string | undefined): void {
    fill(this.problem, fault && el('p', { class: 'note bad' }, icon('warning', 20), fault));
  }

  private async call(filled: Filled): Promise<void> {
    const { flavour } = this;
    const named = filled.input.MeetingId;
    const answered = await this.exchanged(this.operation.method, filled);
    const { answer, text } = answered;
    remember(flavour, text, this.remembered[flavour]);
    this.exchange.show(answered);
    this.seats.show(answer.ok ? text : '', typeof named === 'string' ? named : '');
    this.announce.say(`Answered with status ${answer.status}`);
  }

  /** Signs a call, sends it and waits for the whole answer. */
  private async exchanged(method: string, { path, query, body }: Filled): Promise<Answered> {
    const request = { method, host: location.host, path: basePath[this.flavour] + path, query, body };
    const signed = await sign(request, this.credentials.value, new Date());
    const started = performance.now();
    const answer = await fetch(signed.target, {
      method,
      headers: signed.headers,
      body: body ?? null,
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
    });
    const text = await answer.text();
    return { method, body, signed, answer, text, took: Math.round(performance.now() - started) };
  }

  /** The answer of GetMeeting, with the key that is typed in. */
  private async meeting(id: string): Promise<unknown> {
    const { answer, text } = await this.exchanged('GET', {
      path: `/meetings/${encodeURIComponent(id)}`,
      query: [],
      body: undefined,
      input: {},
    });
    if (!answer.ok) throw new Error(`GetMeeting was answered with status ${answer.status}.`);
    return JSON.parse(text);
  }

  private layout(app: HTMLElement): void {
    fill(
      app,
      el(
        'header',
        { class: 'top' },
        el('a', { class: 'brand', href: '/operator/' }, bell(24), el('span', { class: 'brand-name' }, 'Carillon')),
        el('h1', {}, 'API explorer'),
        el('span', { class: 'spring' }),
        this.credentials.toggle,
      ),
      this.credentials.element,
      el('main', { class: 'explorer' }, this.catalogue.element, this.work()),
      this.announce.element,
    );
  }

  private work(): HTMLElement {
    return el(
      'div',
      { class: 'work' },
      el(
        'form',
        { class: 'request', novalidate: true, on: { submit: (event) => void this.submit(event) } },
        this.heading,
        this.about,
        this.route,
        this.fields,
        this.problem,
        el('div', { class: 'send' }, this.send),
      ),
      this.seats.element,
      this.exchange.element,
      this.snippets.element,
    );
  }
}

/** The operation of a name, or the first one of the flavour. */
function operationOf(flavour: Flavour, name: string): Operation {
  return operations[flavour].find((o) => o.name === name) ?? (operations[flavour][0] as Operation);
}

new Explorer(document.getElementById('app') as HTMLElement, location.hash);

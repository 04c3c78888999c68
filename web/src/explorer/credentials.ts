// The key that signs calls. It is typed in, kept in memory, and gone with the
// page.

import { attribute, el } from '../ui/dom';
import { icon } from '../ui/icons';
import type { Credentials } from './sigv4';

export class CredentialForm {
  readonly element: HTMLElement;
  readonly toggle: HTMLButtonElement;
  private readonly accessKey = input('access-key', 'text');
  private readonly secretKey = input('secret-key', 'password');
  private readonly sessionToken = input('session-token', 'password');
  private readonly region = input('region', 'text');
  private readonly hint = el(
    'p',
    { class: 'soft small' },
    'The key stays in this page and is gone when it is closed. Only the signature is sent.',
  );

  constructor(changed: () => void) {
    this.region.value = 'us-east-1';
    this.region.addEventListener('input', changed);
    const field = (label: string, control: HTMLInputElement) =>
      el('div', { class: 'field' }, el('label', { for: control.id }, label), control);
    this.element = el(
      'section',
      { class: 'credentials', 'aria-label': 'Credentials', id: 'credentials' },
      el(
        'div',
        { class: 'credential-fields' },
        field('Access key id', this.accessKey),
        field('Secret key', this.secretKey),
        field('Session token (optional)', this.sessionToken),
        field('Region', this.region),
      ),
      this.hint,
    );
    this.toggle = el(
      'button',
      {
        class: 'plain',
        type: 'button',
        'aria-controls': 'credentials',
        'aria-expanded': 'true',
        on: { click: () => this.show(!!this.element.hidden) },
      },
      icon('key', 18),
      'Credentials',
    );
    void this.askForDev();
  }

  get value(): Credentials {
    return {
      accessKey: this.accessKey.value.trim(),
      secretKey: this.secretKey.value.trim(),
      sessionToken: this.sessionToken.value.trim(),
      region: this.region.value.trim() || 'us-east-1',
    };
  }

  /** Why nothing can be signed now; undefined when it can. */
  fault(): string | undefined {
    if (!crypto.subtle) return 'Browsers sign only on https pages and on localhost. Open this page there.';
    const { accessKey, secretKey } = this.value;
    if (accessKey && secretKey) return undefined;
    this.show(true);
    return 'Type an access key id and its secret key first.';
  }

  private show(on: boolean): void {
    this.element.hidden = !on;
    attribute(this.toggle, 'aria-expanded', String(on));
    if (on) this.accessKey.focus();
  }

  /** In development mode any key will do, so one is filled in. */
  private async askForDev(): Promise<void> {
    const answer = await fetch('/operator/api/session').catch(() => undefined);
    const session = answer?.ok ? ((await answer.json()) as { dev?: boolean }) : undefined;
    if (!session?.dev || this.accessKey.value || this.secretKey.value) return;
    this.accessKey.value = 'AKIDEXPLORER';
    this.secretKey.value = 'any-secret-will-do';
    this.hint.textContent = 'This server runs in development mode and accepts any key.';
  }
}

function input(id: string, type: string): HTMLInputElement {
  return el('input', {
    class: 'input mono',
    id,
    type,
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'off',
  });
}

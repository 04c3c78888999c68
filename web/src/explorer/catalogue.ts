// Which operation of which flavour: a switch and a list, on a phone a menu.

import { attribute, el, fill } from '../ui/dom';
import { type Flavour, type Operation, operations } from './operations';

export class Catalogue {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'operations' });
  private readonly picker: HTMLSelectElement;
  private readonly switches: Record<Flavour, HTMLInputElement>;
  private buttons = new Map<Operation, HTMLElement>();
  private flavour: Flavour | undefined;
  private operation = '';

  constructor(private readonly choose: (flavour: Flavour, name: string) => void) {
    this.picker = el('select', {
      class: 'input operation-picker',
      'aria-label': 'Operation',
      on: { change: () => this.flavour && choose(this.flavour, this.picker.value) },
    });
    this.switches = { meetings: this.option('meetings'), legacy: this.option('legacy') };
    const labelled = (flavour: Flavour, label: string) =>
      el('label', { for: `flavour-${flavour}` }, this.switches[flavour], label);
    this.element = el(
      'nav',
      { class: 'side', 'aria-label': 'Operations' },
      el(
        'fieldset',
        { class: 'flavours' },
        el('legend', { class: 'unseen' }, 'Flavour of the API'),
        labelled('meetings', 'Meetings'),
        labelled('legacy', 'Legacy'),
      ),
      this.picker,
      this.list,
    );
  }

  /** Marks the operation that is chosen. */
  show(flavour: Flavour, operation: Operation): void {
    if (flavour !== this.flavour) this.open(flavour);
    this.operation = operation.name;
    this.picker.value = operation.name;
    for (const [o, button] of this.buttons) attribute(button, 'aria-current', o === operation ? 'true' : undefined);
  }

  private open(flavour: Flavour): void {
    this.flavour = flavour;
    this.switches[flavour].checked = true;
    this.buttons = new Map(operations[flavour].map((o) => [o, this.button(flavour, o)]));
    fill(this.list, ...[...this.buttons.values()].map((button) => el('li', {}, button)));
    fill(this.picker, ...operations[flavour].map((o) => el('option', { value: o.name }, `${o.method} ${o.name}`)));
  }

  private button(flavour: Flavour, o: Operation): HTMLElement {
    return el(
      'button',
      { class: 'operation', type: 'button', on: { click: () => this.choose(flavour, o.name) } },
      el('span', { class: `method ${o.method}` }, o.method),
      el('span', {}, ...o.name.split(/(?=[A-Z])/).flatMap((word) => [el('wbr'), word])),
    );
  }

  private option(value: Flavour): HTMLInputElement {
    const change = () => this.choose(value, this.operation);
    return el('input', { type: 'radio', name: 'flavour', value, id: `flavour-${value}`, on: { change } });
  }
}

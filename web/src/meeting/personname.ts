// A person's name in one line. Where there is no room for all of it, it is cut
// before what says whose it is: "(you)" and "is sharing" stay.

import { attribute, el, setText } from '../ui/dom';
import type { Person } from './state';

export class PersonName {
  readonly element: HTMLElement;
  private readonly name = el('span', { class: 'person-cut' });
  private readonly rest = el('span', { class: 'person-rest' });

  /** named is the class of the whole. */
  constructor(named: string) {
    this.element = el('span', { class: `person-name ${named}`, dir: 'auto' }, this.name, this.rest);
  }

  /** Shows a person, and after the name what is said of it. Returns all of it in words. */
  draw(person: Person | undefined, more = ''): string {
    const name = person?.name ?? 'Somebody';
    const rest = [person?.self ? ' (you)' : '', more && ` ${more}`].join('');
    setText(this.name, name);
    setText(this.rest, rest);
    attribute(this.element, 'title', name + rest);
    return name + rest;
  }
}

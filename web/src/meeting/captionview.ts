// The captions below the stage.

import { type Drawn, el, Keyed, setText } from '../ui/dom';
import { colourOf } from '../ui/names';
import { type Caption, onScreen } from './captions';
import type { RoomState } from './state';

export class CaptionView {
  readonly element = el('ol', { class: 'captions', 'aria-label': 'Captions', hidden: true });
  private readonly lines: Keyed<Caption>;

  constructor() {
    this.lines = new Keyed(this.element, (line) => new Line(line));
  }

  draw({ captions }: RoomState, now: number): void {
    const lines = captions.wanted ? onScreen(captions.lines, now) : [];
    this.element.hidden = lines.length === 0;
    this.lines.show(lines.map((line) => [line.id, line]));
  }
}

class Line implements Drawn<Caption> {
  readonly element: HTMLElement;
  private readonly text = el('span', { class: 'caption-text' });

  constructor({ name, attendee }: Caption) {
    this.element = el(
      'li',
      { class: 'caption', dir: 'auto' },
      el('b', { 'data-colour': colourOf(attendee) }, name),
      ' ',
      this.text,
    );
  }

  draw({ text }: Caption): void {
    setText(this.text, text);
  }
}

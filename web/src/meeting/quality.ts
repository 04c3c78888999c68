import { attribute, el, setText } from '../ui/dom';
import { svgElement } from '../ui/icons';
import type { Line } from './line';

/** Bars and a word for how well the line to the server is. */
export class QualityMark {
  readonly element: HTMLElement;
  private readonly bars: SVGRectElement[];
  private readonly word = el('span', { class: 'quality-word' });

  constructor() {
    const svg = svgElement('svg', { viewBox: '0 0 18 16', width: 18, height: 16, 'aria-hidden': 'true' });
    this.bars = [5, 10, 15].map((height, i) =>
      svgElement('rect', { x: i * 6.5, y: 16 - height, width: 4, height, rx: 1.2, class: 'quality-bar' }),
    );
    svg.append(...this.bars);
    this.element = el('div', { class: 'quality', role: 'status' }, svg, this.word);
  }

  draw(line: Line): void {
    for (const [i, bar] of this.bars.entries()) bar.classList.toggle('lit', i < line.bars);
    attribute(this.element, 'data-bars', line.bars);
    this.element.classList.toggle('begins', line.begins === true);
    attribute(this.element, 'title', line.details || undefined);
    setText(this.word, line.word);
  }
}

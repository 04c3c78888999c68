import { attribute, el, setText } from '../ui/dom';
import { svgElement } from '../ui/icons';
import type { Quality } from './call';

const words = ['No connection', 'Poor connection', 'Fair connection', 'Good connection'];

/** Bars and a word for how well the line to the server is. */
export class QualityMark {
  readonly element: HTMLElement;
  private readonly bars: SVGRectElement[];
  private readonly word = el('span', { class: 'quality-word' }, words[3]);

  constructor() {
    const svg = svgElement('svg', { viewBox: '0 0 18 16', width: 18, height: 16, 'aria-hidden': 'true' });
    this.bars = [5, 10, 15].map((height, i) =>
      svgElement('rect', { x: i * 6.5, y: 16 - height, width: 4, height, rx: 1.2, class: 'quality-bar' }),
    );
    svg.append(...this.bars);
    this.element = el('div', { class: 'quality', role: 'status' }, svg, this.word);
  }

  draw(quality: Quality): void {
    for (const [i, bar] of this.bars.entries()) bar.classList.toggle('lit', i < quality.bars);
    attribute(this.element, 'data-bars', quality.bars);
    setText(this.word, words[quality.bars] ?? '');
    const details = [
      quality.lossPercent !== undefined && `${quality.lossPercent.toFixed(1)} % of audio lost`,
      quality.roundTripMs !== undefined && `${Math.round(quality.roundTripMs)} ms there and back`,
    ].filter(Boolean);
    attribute(this.element, 'title', details.join(', ') || undefined);
  }
}

import { attribute, el } from '../ui/dom';

/** A horizontal level meter, 0 to 1. */
export class Meter {
  readonly element: HTMLElement;
  private readonly bar = el('div', { class: 'meter-bar' });
  private shown = 0;
  private told = 0;

  constructor(label: string) {
    this.element = el(
      'div',
      {
        class: 'meter',
        role: 'meter',
        'aria-label': label,
        'aria-valuemin': 0,
        'aria-valuemax': 100,
        'aria-valuenow': 0,
      },
      this.bar,
    );
  }

  /** Rises at once and falls slowly, as eyes expect. */
  set(level: number): void {
    this.shown = level > this.shown ? level : this.shown * 0.85 + level * 0.15;
    if (level === 0 && this.shown < 0.02) this.shown = 0;
    this.bar.style.transform = `scaleX(${this.shown.toFixed(3)})`;
    const now = performance.now();
    if (now - this.told < 1000) return; // screen readers are told rarely
    this.told = now;
    attribute(this.element, 'aria-valuenow', Math.round(this.shown * 100));
  }
}

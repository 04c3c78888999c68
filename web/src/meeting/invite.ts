// What somebody who is alone in a meeting sees: how to bring others in.

import { el, fill, setText } from '../ui/dom';
import { icon, svgElement } from '../ui/icons';

export class Invitation {
  readonly element: HTMLElement;
  private readonly code = el('div', { class: 'invite-code' });
  private readonly copyWord = el('span', {}, 'Copy link');
  private dismissed = false;

  /** link leads to the meeting; copy puts it into the clipboard and tells whether that worked. */
  constructor(
    private readonly link: string,
    copy: () => Promise<boolean>,
  ) {
    const close = el(
      'button',
      {
        class: 'plain invite-close',
        type: 'button',
        'aria-label': 'Close the invitation',
        on: { click: () => this.dismiss() },
      },
      icon('cross', 20),
    );
    const copied = async () => setText(this.copyWord, (await copy()) ? 'Copied' : 'Copy link');
    this.element = el(
      'section',
      { class: 'invite', 'aria-label': 'Invitation', hidden: true },
      close,
      el(
        'div',
        { class: 'invite-words' },
        el('h2', {}, 'Nobody else is here yet'),
        el('p', { class: 'soft' }, 'Whoever has this link can join.'),
        el('p', { class: 'invite-link mono', title: link }, link.replace(/^https?:\/\//, '')),
        el(
          'button',
          { class: 'button main small', type: 'button', on: { click: () => void copied() } },
          icon('copy', 18),
          this.copyWord,
        ),
      ),
      this.code,
    );
  }

  /** Shows it to whoever is alone, until it is closed. */
  draw(alone: boolean): void {
    const show = alone && !this.dismissed;
    if (this.element.hidden === !show) return;
    this.element.hidden = !show;
    if (show && !this.code.firstChild) void this.drawCode();
  }

  private dismiss(): void {
    this.dismissed = true;
    this.element.hidden = true;
  }

  /** The link for a phone's camera. Its encoder is fetched only now. */
  private async drawCode(): Promise<void> {
    try {
      fill(this.code, await qrImage(this.link));
    } catch {
      this.code.hidden = true; // the link is there without it
    }
  }
}

/** A QR code as a picture. */
async function qrImage(text: string): Promise<SVGSVGElement> {
  const { encode } = await import('uqr');
  const { size, data } = encode(text, { ecc: 'M', border: 2 });
  const svg = svgElement('svg', {
    viewBox: `0 0 ${size} ${size}`,
    class: 'qr',
    role: 'img',
    'aria-label': 'The link as a QR code',
  });
  svg.append(
    svgElement('rect', { width: size, height: size, class: 'qr-paper' }),
    svgElement('path', { d: pathOf(data), class: 'qr-ink' }),
  );
  return svg;
}

/** The dark modules of a code as one path: a rectangle for each run in a row. */
export function pathOf(rows: boolean[][]): string {
  let path = '';
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const from = x;
      while (row[x + 1]) x++;
      path += `M${from} ${y}h${x + 1 - from}v1H${from}z`;
    }
  });
  return path;
}

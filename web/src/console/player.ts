// Plays the files of one stream of a recording, one after the other.

import { attribute, el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { playtime, size } from './format';
import type { RecordingFile } from './rows';

export interface Program {
  title: string;
  /** At least one. */
  files: RecordingFile[];
  /** Whether there are pictures. */
  pictures: boolean;
  /** Where a file is fetched from. */
  address(file: RecordingFile): string;
}

/** Opens a player; it goes on with the next file by itself. */
export function play(program: Program): void {
  const title = el('h2', { id: 'player-title' }, program.title);
  const screen = el(program.pictures ? 'video' : 'audio', {
    class: 'player-screen',
    controls: true,
    'aria-label': program.title,
  });
  const place = el('p', { class: 'soft', role: 'status' });
  const trouble = el('div', { role: 'alert' });
  const save = el('a', { class: 'button small', download: true }, icon('download', 18), 'Download');
  const step = (text: string, by: number) =>
    el('button', { class: 'button small', type: 'button', on: { click: () => show(at + by) } }, text);
  const before = step('Previous', -1);
  const after = step('Next', 1);
  const close = el(
    'button',
    { class: 'button main small', type: 'button', on: { click: () => dialog.close() } },
    'Close',
  );
  const dialog = el(
    'dialog',
    { class: 'player', 'aria-labelledby': 'player-title' },
    title,
    screen,
    trouble,
    place,
    el('div', { class: 'buttons' }, program.files.length > 1 && before, program.files.length > 1 && after, save, close),
  );
  let at = 0;
  const show = (n: number) => {
    const file = program.files[n];
    if (!file) return;
    at = n;
    fill(trouble);
    const address = program.address(file);
    attribute(screen, 'src', address);
    attribute(save, 'href', `${address}?download`);
    before.disabled = n === 0;
    after.disabled = n === program.files.length - 1;
    const among = program.files.length > 1 ? `Piece ${n + 1} of ${program.files.length} · ` : '';
    setText(place, `${among}${file.name} · ${playtime(file.length)} · ${size(file.bytes)}`);
    void screen.play().catch(() => undefined); // then the button does it
  };
  screen.addEventListener('ended', () => show(at + 1));
  screen.addEventListener('error', () =>
    fill(trouble, el('p', { class: 'note bad' }, icon('warning', 20), unplayable)),
  );
  dialog.addEventListener('close', () => {
    screen.removeAttribute('src');
    screen.load(); // lets go of the connection
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  show(0);
}

const unplayable = 'This file cannot be played here: it is not there any more, or the browser does not know its codec.';

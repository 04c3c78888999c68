import { attribute, el, fill } from '../ui/dom';
import { icon } from '../ui/icons';

export interface Question {
  title: string;
  text: string;
  /** What the button that does it says. */
  yes: string;
  danger?: boolean;
  /** More to fill in before it is done. */
  extra?: HTMLElement;
  /** Does it. A rejection's message is shown in the dialog, which stays open. */
  act(): Promise<void>;
}

let asked = 0;

/** Asks before something is done, does it, and shows what went wrong. */
export function confirm(question: Question): void {
  const id = `question-${++asked}`;
  const problem = el('div', { role: 'alert' });
  const yes = el(
    'button',
    { class: question.danger ? 'button main danger' : 'button main', type: 'submit' },
    question.yes,
  );
  const no = el('button', { class: 'button', type: 'button', on: { click: () => dialog.close() } }, 'Cancel');
  const form = el('form', {}, question.extra, problem, el('div', { class: 'buttons' }, no, yes));
  const dialog = el(
    'dialog',
    { 'aria-labelledby': `${id}-title`, 'aria-describedby': `${id}-text` },
    el('h2', { id: `${id}-title` }, question.title),
    el('p', { id: `${id}-text`, class: 'soft' }, question.text),
    form,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    attribute(yes, 'disabled', true);
    question.act().then(
      () => dialog.close(),
      (error: unknown) => {
        attribute(yes, 'disabled', false);
        fill(
          problem,
          el('p', { class: 'note bad' }, icon('warning', 20), error instanceof Error ? error.message : String(error)),
        );
      },
    );
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (!question.extra) no.focus(); // Enter alone must not end a meeting
}

import { el, fill } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import type { Server, Session } from './server';

/** The form in front of the console. */
export function signInView(
  server: Server,
  done: (session: Session) => void,
  reason = '',
  several = false,
): HTMLElement {
  const problem = el('div', { role: 'alert' });
  const name = el('input', {
    class: 'input',
    id: 'name',
    name: 'name',
    autocomplete: 'username',
    'data-focus': several,
  });
  const input = el('input', {
    class: 'input mono',
    id: 'secret',
    name: 'secret',
    type: 'password',
    required: true,
    autocomplete: 'current-password',
    'data-focus': !several,
  });
  const button = el('button', { class: 'button main wide', type: 'submit' }, 'Sign in');
  const show = (text: string) => fill(problem, text && el('p', { class: 'note bad' }, icon('warning', 20), text));
  const submit = async (event: Event) => {
    event.preventDefault();
    button.disabled = true;
    show('');
    try {
      done(await server.signIn(several ? name.value.trim() : '', input.value));
    } catch (error) {
      show(error instanceof Error ? error.message : String(error));
      input.select();
    } finally {
      button.disabled = false;
    }
  };
  show(reason);
  return el(
    'main',
    { class: 'signin' },
    el(
      'form',
      { class: 'signin-card', on: { submit: (event) => void submit(event) } },
      el('div', { class: 'signin-brand' }, bell(34)),
      el('h1', {}, 'Carillon console'),
      el('p', { class: 'soft' }, 'For the people who run this server.'),
      several && el('div', { class: 'field' }, el('label', { for: 'name' }, 'Name'), name),
      el('div', { class: 'field' }, el('label', { for: 'secret' }, several ? 'Secret' : 'Operator secret'), input),
      button,
      problem,
      el(
        'p',
        { class: 'soft signin-hint' },
        several
          ? 'Without a name: the operator secret of the server, which is kept in the file operator.secret in its data directory unless it was set by hand.'
          : 'It was printed when the server first started, and is kept in the file operator.secret in its data directory, unless it was set by hand.',
      ),
    ),
  );
}

import { el } from '../ui/dom';
import { bell, icon } from '../ui/icons';

/** Where browsers hand out cameras and microphones although the page came over plain http. */
function local(at: Location): string {
  return `http://localhost${at.port ? `:${at.port}` : ''}${at.pathname}`;
}

/** The page for an address from which no browser lets anybody into a meeting. */
export function insecureView(at: Location): HTMLElement {
  return el(
    'main',
    { class: 'ending' },
    el(
      'div',
      { class: 'ending-card' },
      bell(44),
      el('h1', { tabindex: -1, 'data-focus': true }, 'This page needs https'),
      el(
        'p',
        { class: 'note' },
        icon('warning', 20),
        el('span', {}, 'It came from ', el('b', {}, `http://${at.host}`), ', without encryption.'),
      ),
      el(
        'p',
        { class: 'soft' },
        'Browsers let a page use camera, microphone and calls only over https, so nobody can join from this address.',
      ),
      el('h2', { class: 'insecure-what' }, 'What helps'),
      el(
        'ul',
        { class: 'insecure-ways' },
        el('li', {}, 'Ask whoever runs this server for its https address.'),
        el('li', {}, 'On the same machine, open ', el('a', { href: local(at) }, local(at)), '.'),
        el(
          'li',
          {},
          'If you run it: start it with ',
          el('code', { class: 'mono' }, '--tls-self-signed'),
          ' to try it from here, with ',
          el('code', { class: 'mono' }, '--tls-cert'),
          ', or behind a proxy that does TLS.',
        ),
      ),
    ),
  );
}

// The operators' console: sign-in, then a list of meetings and a page for each.

import { announcer, el, fill } from '../ui/dom';
import type { Frame } from './frame';
import { Router, root } from './router';
import { Server, type Session } from './server';
import { Shell } from './shell';
import { signInView } from './signin';

/** How long to wait for a server that is away before it is asked again, in ms. */
const retryAfter = 2000;

class Console {
  private readonly server = new Server();
  private readonly announce = announcer();
  private readonly body = el('div', { class: 'body' });
  private router: Router | undefined; // while somebody is signed in

  constructor(app: HTMLElement) {
    fill(app, this.body, this.announce.element);
    document.addEventListener('click', (event) => this.clicked(event));
    window.addEventListener('popstate', () => this.router?.route());
    void this.check();
  }

  /** Asks whether somebody is signed in, and shows the console or the sign-in. */
  private async check(reason = ''): Promise<void> {
    let session: Session;
    try {
      session = await this.server.session();
    } catch {
      window.setTimeout(() => void this.check(reason), retryAfter); // what is shown stays
      return;
    }
    if (!session.signedIn) this.showSignIn(reason, session.several);
    else if (!this.router) this.showConsole(session);
  }

  private showSignIn(reason: string, several: boolean): void {
    this.router?.close();
    this.router = undefined;
    this.title('Sign in');
    const view = signInView(this.server, (session) => this.showConsole(session), reason, several);
    fill(this.body, view);
    view.querySelector<HTMLElement>('[data-focus]')?.focus();
  }

  private showConsole(session: Session): void {
    const signOut = () => void this.server.signOut().finally(() => void this.check());
    const shell = new Shell(root, session, signOut);
    const frame: Frame = {
      server: this.server,
      say: this.announce.say,
      liveness: (liveness) => shell.liveness(liveness),
      title: (text) => this.title(text),
      signedOut: () => void this.check('You were signed out. Sign in again.'),
    };
    fill(this.body, shell.element);
    this.router = new Router(frame, shell);
    this.router.route();
  }

  private title(text: string): void {
    document.title = `${text} · Carillon console`;
  }

  /** Links inside the console change the page without loading it anew. */
  private clicked(event: MouseEvent): void {
    const link = (event.target as Element | null)?.closest?.('a[data-local]');
    const otherwise = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey;
    if (!link || !this.router || event.defaultPrevented || otherwise) return;
    event.preventDefault();
    this.router.go(link.getAttribute('href') ?? root);
  }
}

new Console(document.getElementById('app') as HTMLElement);

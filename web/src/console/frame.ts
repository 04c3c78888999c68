import type { Liveness } from './pulse';
import type { Server } from './server';

/** What every page behind the sign-in can do. */
export interface Frame {
  server: Server;
  /** Tells screen readers. */
  say(text: string): void;
  /** Whether what the page shows is of now. */
  liveness(liveness: Liveness): void;
  /** What the page is called, once it knows better. */
  title(text: string): void;
  signedOut(): void;
}

/** One page of the console. */
export interface Page {
  readonly element: HTMLElement;
  readonly title: string;
  close(): void;
}

import type { Server } from './server';

/** What every page behind the sign-in can do. */
export interface Frame {
  server: Server;
  /** Tells screen readers. */
  say(text: string): void;
  /** Whether what the page shows is what the server knows now. */
  live(on: boolean): void;
  signedOut(): void;
  go(path: string): void;
}

/** One page of the console. */
export interface Page {
  readonly element: HTMLElement;
  readonly title: string;
  close(): void;
}

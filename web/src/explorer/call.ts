// A call that is shown in the words of other clients.

import { basePath, type Flavour, type Operation } from './operations';

export interface Call {
  flavour: Flavour;
  operation: Operation;
  /** All members by name, whatever part of the request they go into. */
  input: Record<string, unknown>;
  origin: string;
  region: string;
}

/** The address other clients are pointed to. */
export function endpoint(call: Call): string {
  return call.origin + basePath[call.flavour];
}

// Waiting for what a test wants to be so.

/** How long anything may take, in milliseconds: the machine may be busy. */
export const patience = 30_000;

/**
 * Asks again and again until the probe gives something true, and returns it. When the time is up it fails with what was
 * waited for and what explain says of it.
 */
export async function waitFor(what, probe, { timeout = patience, explain = () => '' } = {}) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}\n${await explain()}`);
    await new Promise(done => setTimeout(done, 100));
  }
}

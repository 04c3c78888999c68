// One server, one page and one browser for the tests of a file.
import { after, before } from 'node:test';
import { startServer } from './server.mjs';
import { Attendee, launchChromium, servePage } from './browser.mjs';

/** Sets the three up before the tests of this file and takes them down after. */
export function fixture(serverFlags = []) {
  const f = { opened: [] };
  before(async () => {
    [f.server, f.page, f.browser] = await Promise.all([startServer(serverFlags), servePage(), launchChromium()]);
  });
  after(async () => {
    await f.browser?.close();
    await f.page?.close();
    await f.server?.stop();
  });
  /** Opens a tab for each name. */
  f.open = async (...names) => {
    const attendees = [];
    for (const name of names) attendees.push(await Attendee.open(f.browser, f.page, name));
    f.opened.push(...attendees);
    return attendees;
  };
  /** Closes every tab opened since the last call. */
  f.closeAll = async () => {
    await Promise.all(f.opened.splice(0).map(a => a.tab.close()));
  };
  return f;
}

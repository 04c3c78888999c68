// One server, one page and one browser for the tests of a file.
import { after, before } from 'node:test';
import { Attendee } from './attendee.mjs';
import { launchChromium } from './chromium.mjs';
import { servePage } from './page.mjs';
import { startServer } from './server.mjs';

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
    for (const name of names) attendees.push(await f.openVersion(name));
    return attendees;
  };
  /** Opens a tab with a version of the client; by default the current one. */
  f.openVersion = async (name, version) => {
    const attendee = await Attendee.open(f.browser, f.page, name, version);
    f.opened.push(attendee);
    return attendee;
  };
  /** Closes every tab opened since the last call. */
  f.closeAll = async () => {
    await Promise.all(f.opened.splice(0).map(a => a.tab.close()));
  };
  return f;
}

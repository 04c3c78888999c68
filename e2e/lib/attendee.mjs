// Attendees, each in a page of its own.
import { waitFor } from './wait.mjs';

/** One attendee in a page of its own. Every method runs in the page. */
export class Attendee {
  /** Opens a tab with a version of the client; by default the current one. */
  static async open(browser, page, name, version = '') {
    const tab = await browser.newPage();
    const attendee = new Attendee(tab, name);
    tab.on('console', message => attendee.log.push(`${message.type()}: ${message.text()}`));
    tab.on('pageerror', error => attendee.log.push(`pageerror: ${error.message}`));
    await tab.goto(page.url + version);
    await attendee.ready();
    return attendee;
  }

  /** Waits for the page's script and starts afresh. */
  async ready() {
    await this.tab.waitForFunction(() => window.bundleReady);
    await this.tab.evaluate(() => { window.newAttendee(); });
  }

  /** Loads the page again; whatever was going on in it ends as it would for a user. */
  async reload() {
    await this.tab.reload();
    await this.ready();
  }

  constructor(tab, name) {
    this.tab = tab;
    this.name = name;
    this.log = [];
  }

  call(method, ...args) {
    return this.tab.evaluate(([m, a]) => window.attendee[m](...a), [method, args]);
  }

  /** Calls a method of the client's own audio-video facade. */
  av(method, ...args) {
    return this.tab.evaluate(([m, a]) => { const r = window.attendee.av[m](...a); return typeof r === 'object' ? undefined : r; }, [method, args]);
  }

  snapshot() {
    return this.call('snapshot');
  }

  async join(made, who, { tone = 0, stereo = null, options = {}, wait = true } = {}) {
    this.id = made.attendees[who].AttendeeId;
    await this.call('join', { meeting: made.meeting, attendee: made.attendees[who], tone, stereo, options });
    if (wait) await this.event('didStart');
  }

  /** Waits until the client has reported the event, matching all of detail, count times. */
  async event(name, detail = {}, { count = 1, timeout = 30000 } = {}) {
    return this.until(
      `event ${name} ${JSON.stringify(detail)} ×${count}`,
      s => {
        const hits = s.events.filter(e => e.name === name && Object.entries(detail).every(([k, v]) => e[k] === v));
        return hits.length >= count && hits.at(-1);
      },
      timeout,
    );
  }

  /** Waits until the predicate over the snapshot gives something true, and returns it. */
  async until(what, predicate, timeout = 30000) {
    const explain = async () => `${JSON.stringify(await this.snapshot())}\n${this.log.slice(-30).map(line => line.slice(0, 300)).join('\n')}`;
    return waitFor(`${this.name}: ${what}`, async () => predicate(await this.snapshot()), { timeout, explain });
  }

  /** Waits until every frequency of loud is heard and none of quiet. */
  async hears(loud, quiet = [], timeout = 30000) {
    let last;
    return waitFor(
      `${this.name} hears ${loud} and not ${quiet}`,
      async () => {
        last = await this.call('hears', [...loud, ...quiet], 700);
        if (!last) return false;
        return last.slice(0, loud.length).every(v => v > -60) && last.slice(loud.length).every(v => v < -68);
      },
      { timeout, explain: () => `levels ${JSON.stringify(last)}` },
    );
  }

  /** Waits until each of two frequencies is heard in its own channel; with apart false, both in both. */
  async hearsStereo([left, right], { apart = true, timeout = 30000 } = {}) {
    let last;
    return waitFor(
      `${this.name} hears ${left} left and ${right} right, ${apart ? 'apart' : 'both in both'}`,
      async () => {
        last = await this.call('hearsChannels', [left, right], 700);
        if (!last) return false;
        const [[ll, lr], [rl, rr]] = last;
        if (ll < -60 || rr < -60) return false;
        return apart ? ll - lr > 30 && rr - rl > 30 : Math.abs(ll - rl) < 3 && Math.abs(rr - lr) < 3;
      },
      { timeout, explain: () => `levels left ${JSON.stringify(last?.[0])} right ${JSON.stringify(last?.[1])}` },
    );
  }

  /** Waits until the picture of an attendee has decoded this many more frames. */
  async sees(attendeeId, frames = 10, timeout = 30000) {
    const before = (await this.call('pictures'))[attendeeId]?.frames ?? 0;
    return waitFor(
      `${this.name} sees ${frames} more frames of ${attendeeId}`,
      async () => {
        const picture = (await this.call('pictures'))[attendeeId];
        return picture && (picture.frames >= before + frames || picture.frames < before) && picture;
      },
      { timeout, explain: async () => `${JSON.stringify(await this.call('pictures'))} ${JSON.stringify(await this.snapshot())}` },
    );
  }
}

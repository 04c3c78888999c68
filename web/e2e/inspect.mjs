// What is looked for on every page, whatever it shows: faults that axe knows,
// sideways scrolling, and text that is cut and nowhere whole.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const phone = { width: 390, height: 844 };

/** Waits until the page is painted as it was last set up: before that, inherited colours are those of the scheme before. */
const painted = (page) =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    await Promise.allSettled(
      document
        .getAnimations()
        .filter((a) => a.effect.getComputedTiming().endTime < Infinity)
        .map((a) => a.finished),
    );
  });

/** What axe holds for serious or critical. Its script is evaluated by the debugger, past the page's policy. */
async function faults(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join(' ')}`);
}

const scrollsSideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** What shows a letter is at least as wide and as high, in pixels. */
const leastLetter = 10;

/** What is cut for want of room, and not told whole to whoever points at it. */
const cut = (page) =>
  page.evaluate((letter) => {
    const texts = [];
    for (const node of document.querySelectorAll('body *')) {
      const { width, height } = node.getBoundingClientRect();
      if (width < letter || height < letter) continue; // its words are to be heard only
      if (node.scrollWidth <= node.clientWidth + 1) continue;
      if (getComputedStyle(node).overflowX !== 'hidden' || node.closest('[title]')) continue;
      texts.push(node.textContent.trim());
    }
    return texts.filter(Boolean);
  }, leastLetter);

/** Keeps what is wrong with a page when it is looked at, by the name of what it shows. */
export function inspector() {
  const found = [];
  const look = async (name, page) => {
    await painted(page);
    found.push(...(await faults(page)).map((f) => `${name}: ${f}`));
    if (await scrollsSideways(page)) found.push(`${name}: scrolls sideways`);
    found.push(...(await cut(page)).map((text) => `${name}: cut: ${text}`));
  };
  return { found, look };
}

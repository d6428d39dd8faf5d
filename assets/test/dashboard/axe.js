/** The rules of axe, for a page whose own policy forbids other scripts. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Returns axe's findings that are more than minor. @param {import('playwright-core').Page} page */
export async function findings(page) {
  // The page's own policy forbids the script, so it goes in from beside.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: await readFile(axe, 'utf8') });
  const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter((/** @type {any} */ it) => it.impact !== 'minor')
    .flatMap((/** @type {any} */ it) => it.nodes.map((/** @type {any} */ node) => `${it.id}: ${node.target} ${node.failureSummary?.split('\n')[1] ?? ''}`));
}

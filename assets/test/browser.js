/** A Chromium for a test: fresh, quiet, gone afterwards. */
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** The value for `test`'s `skip`: `false`, or why there is no browser. */
export const noBrowser = !existsSync(executablePath) && `no Chromium at ${executablePath}; set CHROMIUM to its path`;

/** Its profile is a fresh directory, which goes with it. */
export function launchBrowser() {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

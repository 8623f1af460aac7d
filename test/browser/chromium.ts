// Debian's Chromium for tests of the page (apt-get install chromium); CHROMIUM names another binary.

import { existsSync } from 'node:fs';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const BINARY = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** In CI it must be there. */
export const MISSING = !existsSync(BINARY);
if (MISSING)
  console.log(`The page was not tested: there is no Chromium at ${BINARY} (apt-get install chromium)`);
if (MISSING && process.env['CI'] === 'true') throw new Error(`CI needs a Chromium at ${BINARY}`);

/** No sandbox: tests may run as root in a container. The rest keeps the browser from talking to anybody but us. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** What should be seen on a page is seen within this time. */
export const SEE_MS_MAX = 30_000;

export async function openBrowser(profilePath: string): Promise<BrowserContext> {
  const browser = await chromium.launchPersistentContext(profilePath, {
    executablePath: BINARY,
    args: ARGS,
    locale: 'en-GB',
    viewport: { width: 1280, height: 900 },
    timeout: SEE_MS_MAX,
  });
  browser.setDefaultTimeout(SEE_MS_MAX);
  return browser;
}

/** A page that notes in `complaints` what the browser complains about. */
export async function openTab(browser: BrowserContext, complaints: string[]): Promise<Page> {
  const page = await browser.newPage();
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(error.message));
  await page.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', event =>
      console.error('policy violation: ' + event.violatedDirective + ' ' + event.blockedURI));`,
  });
  return page;
}

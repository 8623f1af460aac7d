// The page below a route prefix: its files, its requests and its live stream are found, however deep the page's own path is.

import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, type Program, startProgram, temporaryFolder } from '../e2e/support.ts';
import { MISSING, openBrowser, openTab, SEE_MS_MAX } from './chromium.ts';

const TEST_MS_MAX = 120_000;

describe.skipIf(MISSING)('the page below a prefix', { timeout: TEST_MS_MAX }, () => {
  let folder: Folder;
  let profile: Folder;
  let program: Program;
  let browser: BrowserContext;

  beforeAll(async () => {
    folder = temporaryFolder();
    profile = temporaryFolder();
    const config = 'host: { interval: 1s }\nweb: { route_prefix: /ops/watch }\n';
    program = await startProgram({ folder, args: ['--config', folder.write('watchkeeper.yml', config)] });
    browser = await openBrowser(profile.path);
  }, TEST_MS_MAX);

  afterAll(async () => {
    await browser?.close();
    await program?.stop();
    folder?.remove();
    profile?.remove();
  }, TEST_MS_MAX);

  it.each([
    ['/', '/ops/watch/'],
    ['/ops/watch/', '/ops/watch/'],
    ['/ops/watch/graph?g0.expr=up', '/ops/watch/graph'],
    ['/ops/watch/some/where', '/ops/watch/some/where'],
  ])('%s shows what is going on', async (path, shown) => {
    const complaints: string[] = [];
    const page = await openTab(browser, complaints);
    await page.goto(new URL(path, program.url).href);
    expect(new URL(page.url()).pathname).toBe(shown);
    // The table comes from the live stream, the charts from queries.
    const targets = page.locator('#targets tr', { hasText: 'host' });
    await expect.poll(() => targets.count(), { timeout: SEE_MS_MAX }).toBeGreaterThan(0);
    const charts = page.locator('#host figure.chart canvas');
    await expect.poll(() => charts.count(), { timeout: SEE_MS_MAX }).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

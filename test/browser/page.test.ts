// The page in a real browser against the real program: what a person on duty sees while a service dies and is recovered.
// Screenshots are left in a temporary folder whose path is printed.

import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { en } from '../../ui/src/i18n/en.ts';
import { zh } from '../../ui/src/i18n/zh.ts';
import {
  type Folder,
  type HttpSink,
  type Mailbox,
  openMailbox,
  openPage,
  type Program,
  startProgram,
  temporaryFolder,
  until,
} from '../e2e/support.ts';
import { MISSING, openBrowser, openTab, SEE_MS_MAX } from './chromium.ts';

const TEAM = 'team@example.org';
const TEST_MS_MAX = 120_000;

describe.skipIf(MISSING)('the page', { timeout: TEST_MS_MAX }, () => {
  let folder: Folder;
  let profile: Folder;
  let mailbox: Mailbox;
  let victim: HttpSink;
  let program: Program;
  let browser: BrowserContext;
  let page: Page;
  const complaints: string[] = [];
  const shots = mkdtempSync(join(tmpdir(), 'watchkeeper-page-'));

  beforeAll(async () => {
    folder = temporaryFolder();
    profile = temporaryFolder();
    mailbox = await openMailbox();
    victim = await openPage(() => ({ requests_total: 1 }));
    folder.write('test.rules.yml', RULES);
    const config = folder.write('watchkeeper.yml', configOf({ victim, mailbox, wish: wishFile() }));
    program = await startProgram({ folder, args: ['--config', config] });
    browser = await openBrowser(profile.path);
    page = await openTab(browser, complaints);
    await page.goto(program.url);
  }, TEST_MS_MAX);

  afterAll(async () => {
    console.log(`Screenshots of the page: ${shots}`);
    await browser?.close();
    await program?.stop();
    await victim?.close();
    await mailbox?.close();
    folder?.remove();
    profile?.remove();
  }, TEST_MS_MAX);

  const wishFile = (): string => join(folder.path, 'restart-wanted');
  const badgeOf = (): Promise<string | null> =>
    page.locator('#targets tr', { hasText: 'victim' }).locator('.badge').textContent();

  it("charts this host's CPU, memory, file systems and network", async () => {
    await expect
      .poll(() => page.locator('#host figure.chart canvas').count(), { timeout: SEE_MS_MAX })
      .toBeGreaterThanOrEqual(4);
    for (const title of [en['chart.cpu'], en['chart.memory'], en['chart.filesystem']]) {
      const chart = page.locator('figure.chart', { hasText: title });
      const legend = async (): Promise<readonly string[]> =>
        (await chart.locator('.u-legend .u-series .u-label').allTextContents()).slice(1);
      // A chart may be there before its first series is.
      await expect
        .poll(async () => (await legend()).length, { timeout: SEE_MS_MAX, message: title })
        .toBeGreaterThan(0);
      const labels = await legend();
      expect(
        labels.every(label => label !== ''),
        `${title}: ${labels}`,
      ).toBe(true);
      await expect
        .poll(() => hasInk(page, title), { timeout: SEE_MS_MAX, message: `a line under "${title}"` })
        .toBe(true);
    }
    await page.screenshot({ path: join(shots, 'well-light-en.png'), fullPage: true });
  });

  it('sends a test message from the receiver and shows what the provider answered', async () => {
    const receiver = page.locator('[data-receiver="team"]');
    await receiver.getByRole('button', { name: en['receivers.test'] }).click();
    const told = receiver.getByRole('status');
    await expect.poll(() => told.textContent(), { timeout: SEE_MS_MAX }).toMatch(/provider answered: .*250/);
    expect(mailbox.to(TEAM)).toHaveLength(1);
    await page.locator('[data-receiver="hole"]').getByRole('button', { name: en['receivers.test'] }).click();
    await expect
      .poll(() => page.locator('[data-receiver="hole"]').getByRole('status').textContent(), {
        timeout: SEE_MS_MAX,
      })
      .toContain('Not delivered: ');
  });

  it('shows the death of a target, its alert and its recovery without a reload', async () => {
    await expect.poll(badgeOf, { timeout: SEE_MS_MAX }).toBe(en['health.up']);
    await page.evaluate("document.body.setAttribute('data-same-page', 'yes')");
    const { port } = victim;
    await victim.close();
    await expect.poll(badgeOf, { timeout: SEE_MS_MAX }).toBe(en['health.down']);
    const alert = page.locator('[data-alert="VictimDown"]');
    await expect
      .poll(() => alert.locator('.badge').textContent(), { timeout: SEE_MS_MAX })
      .toBe(en['state.firing']);

    await alert.getByRole('button', { name: en['alerts.why'] }).click();
    const dialog = page.getByRole('dialog');
    for (const stage of ['rule', 'route', 'group', 'recovery', 'notify'])
      await dialog.locator(`.stage-${stage}`).first().waitFor();
    expect(await dialog.textContent()).toContain('up{job="victim"} == 0');
    const cause = dialog.locator('.causes [data-cause]').first();
    await expect.poll(() => cause.textContent(), { timeout: SEE_MS_MAX }).toMatch(/team/);
    await page.screenshot({ path: join(shots, 'why-light-en.png') });
    // The dialog may lie over the button.
    await page.getByRole('button', { name: en['language.other'] }).dispatchEvent('click');
    await expect.poll(() => cause.textContent(), { timeout: SEE_MS_MAX }).toMatch(/\p{Script=Han}.*team/u);
    await page.screenshot({ path: join(shots, 'why-light-zh.png') });
    await page.getByRole('button', { name: zh['language.other'] }).dispatchEvent('click');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.screenshot({ path: join(shots, 'firing-light-en.png'), fullPage: true });

    // The playbook's command wishes for a restart; this test is the service manager that fulfils it.
    await until('the wish of the playbook', () => existsSync(wishFile()), { withinMs: SEE_MS_MAX });
    victim = await openPage(() => ({ requests_total: 2 }), { port });
    await expect.poll(badgeOf, { timeout: SEE_MS_MAX }).toBe(en['health.up']);
    const run = page.locator('#recovery [data-run]').first();
    await expect.poll(() => run.getAttribute('data-run'), { timeout: SEE_MS_MAX }).toBe('recovered');
    // What has ended leaves the list of alerts; its story stays on the timeline.
    await expect.poll(() => page.locator('#alerts .badge.firing').count(), { timeout: SEE_MS_MAX }).toBe(0);
    for (const [stage, verdict] of [
      ['collect', 'down'],
      ['rule', 'firing'],
      ['notify', 'sent'],
      ['recovery', 'recovered'],
      ['collect', 'up'],
    ])
      await page.locator(`#timeline .stage-${stage}[data-verdict="${verdict}"]`).first().waitFor();
    expect(await page.locator('body').getAttribute('data-same-page')).toBe('yes');
    await page.screenshot({ path: join(shots, 'recovered-light-en.png'), fullPage: true });
  });

  it('speaks Chinese at one click and remembers it', async () => {
    await page.getByRole('button', { name: en['language.other'] }).click();
    await checkChinese(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.reload();
    await checkChinese(page);
    await expect
      .poll(() => page.locator('#host figure.chart canvas').count(), { timeout: SEE_MS_MAX })
      .toBeGreaterThanOrEqual(4);
    await page.screenshot({ path: join(shots, 'recovered-dark-zh.png'), fullPage: true });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: join(shots, 'phone-dark-zh.png'), fullPage: true });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    expect(Number(overflow), 'pixels beyond the width of a phone').toBeLessThanOrEqual(0);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.getByRole('button', { name: zh['language.other'] }).click();
    await expect.poll(() => page.locator('#alerts h2').textContent()).toBe(en['section.alerts']);
    await page.screenshot({ path: join(shots, 'recovered-dark-en.png'), fullPage: true });
  });

  it('caused no error and no policy violation, and says when the program is gone', async () => {
    // Chromium notes each answer that is no success, and the test message into the hole is none.
    expect(complaints.filter(text => !text.includes('status of 422'))).toEqual([]);
    await program.stop();
    await expect
      .poll(() => page.locator('.banner').first().textContent(), { timeout: SEE_MS_MAX })
      .toContain('Connection lost');
    await page.screenshot({ path: join(shots, 'gone-dark-en.png') });
  });
});

/** All headings are in Chinese, and none of the words that only the English catalogue has is left on a heading or button. */
async function checkChinese(page: Page): Promise<void> {
  await expect
    .poll(() => page.locator('#alerts h2').textContent(), { timeout: SEE_MS_MAX })
    .toBe(zh['section.alerts']);
  const shown = await page.locator('h2, th, button, figcaption, .badge').allTextContents();
  const english = new Set<string>(
    Object.entries(en).flatMap(([key, text]) => (sameInChinese(key, text) ? [] : [text])),
  );
  expect(shown.filter(text => english.has(text) && text !== zh['language.other'])).toEqual([]);
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
}

function sameInChinese(key: string, text: string): boolean {
  return Object.entries(zh).some(([other, word]) => other === key && word === text);
}

/** Whether the chart's canvas holds any pixel with colour. A text, since only the browser knows its types. */
function hasInk(page: Page, title: string): Promise<unknown> {
  return page.evaluate(`(() => {
    const chart = [...document.querySelectorAll('figure.chart')].find(one => one.textContent.includes(${JSON.stringify(title)}));
    const canvas = chart.querySelector('canvas');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    for (let i = 0; i < pixels.length; i += 4) {
      const colours = [pixels[i], pixels[i + 1], pixels[i + 2]];
      if (pixels[i + 3] > 200 && Math.max(...colours) - Math.min(...colours) > 60) return true;
    }
    return false;
  })()`);
}

const RULES = `groups:
  - name: test
    rules:
      - alert: VictimDown
        expr: up{job="victim"} == 0
        for: 1s
        labels: { severity: critical }
        annotations:
          summary: 'The victim at {{ $labels.instance }} is down'
          summary_zh: '{{ $labels.instance }} 上的服务已停止'
`;

function configOf(parts: {
  readonly victim: HttpSink;
  readonly mailbox: Mailbox;
  readonly wish: string;
}): string {
  return `global:
  scrape_interval: 500ms
  scrape_timeout: 500ms
  evaluation_interval: 500ms
  smtp_smarthost: 127.0.0.1:${parts.mailbox.port}
  smtp_from: watchkeeper@example.org
  smtp_require_tls: false
host: { interval: 1s }
scrape_configs:
  - job_name: victim
    static_configs: [{ targets: ['127.0.0.1:${parts.victim.port}'] }]
rule_files: [test.rules.yml]
route: { receiver: team, group_by: [alertname], group_wait: 200ms, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: team
    email_configs: [{ to: ${TEAM}, send_resolved: true }]
  - name: hole
    webhook_configs: [{ url: 'http://127.0.0.1:1/nobody-listens' }]
recovery:
  playbooks:
    - name: restart-victim
      match: ['alertname="VictimDown"']
      guard: { max_attempts: 1, cool_down: 5s }
      steps:
        - name: restart
          command:
            argv: ['${process.execPath}', '-e', 'setTimeout(() => require("fs").writeFileSync("${parts.wish}", ""), 3000)']
            timeout: 20s
      verify: { within: 30s, interval: 500ms }
`;
}

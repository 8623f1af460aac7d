// A disk that is really full: a small file system in memory, mounted for the test. Needs root on Linux; skipped elsewhere.

import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import { openHttp, openPage, type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';

const TEST_MS_MAX = 120_000;
const DISK_BYTES = 8 * 1024 * 1024;
/** Each probe of the paused store makes a file and must take it away again. */
const FILES_MAX = 20;

const isPossible = process.platform === 'linux' && process.getuid?.() === 0 && canMount();

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function canMount(): boolean {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder.path], { stdio: 'ignore' });
    execFileSync('umount', [folder.path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    folder.remove();
  }
}

const RULES = `groups:
  - name: test
    rules:
      - alert: Trouble
        expr: trouble > 0
      - alert: StoragePaused
        expr: watchkeeper_storage_paused == 1
`;

const configOf = (page: number, hook: string): string => `
global: { scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }
host: { enabled: false }
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${page}'] }]
rule_files: [test.rules.yml]
route: { receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 300ms, repeat_interval: 1h }
receivers:
  - name: hook
    webhook_configs: [{ url: '${hook}/hook' }]
`;

async function shownValue(program: Program, query: string): Promise<string | undefined> {
  const data = await program.api<QueryData>('/api/v1/query', { query });
  return data.resultType === 'vector' ? data.result[0]?.value?.[1] : undefined;
}

/** Writes until nothing more fits. */
function fill(path: string): void {
  for (let bytes = 64 * 1024, n = 0; bytes >= 1; n++) {
    try {
      writeFileSync(`${path}-${n}`, new Uint8Array(bytes));
    } catch {
      bytes = bytes >> 1;
    }
  }
}

describe.skipIf(!isPossible)(
  `a full disk${isPossible ? '' : ' (needs root on Linux)'}`,
  { timeout: TEST_MS_MAX },
  () => {
    it('is told of, stops no alert and loses nothing once there is space again', async () => {
      const folder = temporaryFolder();
      opened.push(folder.remove);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder.path]);
      opened.push(() => execFileSync('umount', ['-l', folder.path]));
      const gauges = { trouble: 0, turn: 0 };
      const page = await openPage(() => {
        gauges.turn += 1;
        return gauges;
      });
      const heard: string[] = [];
      const hook = await openHttp(({ body }) => {
        const message = JSON.parse(body) as {
          readonly alerts: readonly {
            readonly status: string;
            readonly labels: { readonly alertname: string };
          }[];
        };
        for (const { status, labels } of message.alerts) heard.push(`${labels.alertname} ${status}`);
        return { body: 'ok' };
      });
      opened.push(page.close, hook.close);
      folder.write('test.rules.yml', RULES);
      const args = ['--config', folder.write('watchkeeper.yml', configOf(page.port, hook.url))];
      const program = await startProgram({ folder, args });
      opened.push(program.kill);
      const seen = () => ({ heard, output: program.output().slice(-2000) });
      const hears = (what: string) =>
        until(`the message "${what}"`, () => heard.includes(what), { withinMs: 40_000, seen });
      await until('samples', async () => (await shownValue(program, 'turn')) !== undefined);

      fill(join(folder.path, 'filler'));
      await hears('StoragePaused firing');
      gauges.trouble = 1;
      await hears('Trouble firing');
      expect((await program.fetch('/-/healthy')).status).toBe(200);
      const fullAtMs = Date.now();
      const turnsWhileFull = Number(await shownValue(program, 'turn'));
      expect(turnsWhileFull).toBeGreaterThan(1);
      gauges.trouble = 0;
      await hears('Trouble resolved');
      const store = readdirSync(join(folder.path, 'data', 'store'));
      expect(store.length, store.join(' ')).toBeLessThan(FILES_MAX);

      for (const name of readdirSync(folder.path)) {
        if (name.startsWith('filler')) rmSync(join(folder.path, name));
      }
      await hears('StoragePaused resolved');
      const at = { query: `turn @ ${fullAtMs / 1000}` };
      await program.kill();
      const again = await startProgram({ folder, args });
      opened.push(again.kill);
      const kept = await again.api<QueryData>('/api/v1/query', at);
      const value = kept.resultType === 'vector' ? Number(kept.result[0]?.value?.[1]) : Number.NaN;
      // The page was read once or twice more around the moment of the question.
      expect(Math.abs(value - turnsWhileFull)).toBeLessThanOrEqual(2);
    });
  },
);

// A pending alert over a restart, in the real program and in Debian's Prometheus: `for` goes on where it stopped, and the time
// in which nobody looked does not count.

import { afterEach, describe, expect, it } from 'vitest';
import type { AlertJson } from '../../src/api/contract.ts';
import { type Folder, pause, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, startPrometheus } from './prometheus.ts';

const FOR_MS = 30_000;
/** How long it has been pending when the programs end. */
const PENDING_MS = 12_000;
const DOWN_MS = 6_000;
const TEST_MS_MAX = 240_000;
const WITHIN_MS = 90_000;
/** Prometheus keeps the beginning of an alert in whole seconds. */
const ROUNDED_MS = 1_500;

const RULES = `groups:
- name: g
  rules:
  - { alert: Slow, expr: vector(1), for: ${FOR_MS / 1000}s }
`;
const FLAG = '--rules.alert.for-grace-period=0s';
const CONFIG = 'global: { evaluation_interval: 1s }\nrule_files: [rules.yml]\n';

interface Side {
  readonly url: string;
  stop(): Promise<unknown>;
}

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const SIDES: Readonly<Record<string, (folder: Folder) => Promise<Side>>> = {
  prometheus: folder => startPrometheus(folder, () => CONFIG, [FLAG]),
  watchkeeper: async folder => {
    const config = folder.write('watchkeeper.yml', `${CONFIG}host: { enabled: false }\n`);
    const program = await startProgram({ folder, args: ['--config', config, FLAG] });
    return { url: program.url, stop: () => program.stop() };
  },
};

async function alertOf({ url }: Side): Promise<AlertJson | undefined> {
  const response = await fetch(`${url}/api/v1/alerts`);
  const { data } = (await response.json()) as { readonly data: { readonly alerts: readonly AlertJson[] } };
  return data.alerts[0];
}

describe.skipIf(isSkipped)(`for over a restart ${PEER_NAME}`, () => {
  it.each(Object.entries(SIDES))('of %s', { timeout: TEST_MS_MAX }, async (_, start) => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    folder.write('rules.yml', RULES);
    let side = await start(folder);
    opened.push(() => side.stop());
    const seen = (what: string, fits: (alert: AlertJson) => boolean): Promise<AlertJson> =>
      until(
        what,
        async () => {
          const alert = await alertOf(side);
          return alert !== undefined && fits(alert) ? alert : undefined;
        },
        { withinMs: WITHIN_MS },
      );
    const before = await seen(
      'an alert that waits',
      ({ activeAt }) => Date.now() - Date.parse(activeAt) > PENDING_MS,
    );
    expect(before.state).toBe('pending');
    await side.stop();
    const stoppedMs = Date.now();
    await pause(DOWN_MS);
    const startedMs = Date.now();
    side = await start(folder);
    await seen('it waits again', ({ state }) => state === 'pending');
    const waitsMs = Date.now();
    const after = await seen('it fires', ({ state }) => state === 'firing');
    const firesMs = Date.now();
    // What nobody looked at is no time in which it waited …
    const shiftMs = Date.parse(after.activeAt) - Date.parse(before.activeAt);
    expect(shiftMs).toBeGreaterThanOrEqual(startedMs - stoppedMs - ROUNDED_MS);
    // … and what it had waited counts: from the beginning it would take all of `for`.
    expect(firesMs - waitsMs).toBeLessThan(FOR_MS - ROUNDED_MS);
  });
});

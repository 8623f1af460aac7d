// Debian's vmalert evaluates its rules against the real program, writes what comes of them back to it, and, begun anew,
// takes up the alerts that it left there.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import { type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { freePort } from './peer-process.ts';
import { pushed } from './pushed.ts';

const BINARY = 'vmalert';
const isPresent = spawnSync(BINARY, ['-version'], { stdio: 'ignore' }).status === 0;
/** In CI it must be there. */
const isSkipped = !isPresent && process.env['CI'] !== 'true';
const TEST_MS_MAX = 120_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const RULES = `
groups:
  - name: fast
    interval: 1s
    rules:
      - record: job:load:sum
        expr: sum by (job) (load)
      - alert: Loaded
        expr: load > 5
        for: 3s
        labels: { severity: page }
        annotations: { summary: '{{ $labels.job }} has {{ $value }}' }
`;

interface VmAlert {
  readonly name: string;
  readonly state: string;
  readonly activeAt: string;
  readonly value: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Vmalert {
  alerts(): Promise<readonly VmAlert[]>;
  stop(): Promise<void>;
  output(): string;
}

/** Where it sends its alerts, as an Alertmanager would be: what came, as texts. */
async function openReceiver(): Promise<{ readonly url: string; readonly bodies: readonly string[] }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (data: Buffer) => {
      text += data.toString();
    });
    request.on('end', () => {
      bodies.push(text);
      response.end();
    });
  });
  const port = await freePort();
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}`, bodies };
}

async function startVmalert(rules: string, url: string, notifierUrl: string): Promise<Vmalert> {
  const port = await freePort();
  const child: ChildProcess = spawn(
    BINARY,
    [
      `-rule=${rules}`,
      `-datasource.url=${url}`,
      `-remoteWrite.url=${url}`,
      '-remoteWrite.flushInterval=200ms',
      `-remoteRead.url=${url}`,
      `-notifier.url=${notifierUrl}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-evaluationInterval=1s',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr?.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const closed = new Promise<void>(resolve => child.on('close', () => resolve()));
  return {
    alerts: async () => {
      if (child.exitCode !== null) throw new Error(`vmalert ended with ${child.exitCode}:\n${output}`);
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`).catch(() => undefined);
      if (response === undefined) return [];
      return ((await response.json()) as { readonly data: { readonly alerts: readonly VmAlert[] } }).data
        .alerts;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
    },
    output: () => output,
  };
}

describe.skipIf(isSkipped)(`beside ${BINARY}${isPresent ? '' : ' (not installed)'}`, () => {
  it('it records, alerts, and goes on where it was', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const config = folder.write('watchkeeper.yml', 'host: { enabled: false }\nrule_files: []\n');
    const program: Program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);
    const push = (): Promise<void> =>
      pushed(
        program,
        [7, 2].map((value, i) => ({
          labels: [
            ['__name__', 'load'],
            ['job', `j${i}`],
          ],
          samples: [{ timeMs: Date.now(), value }],
        })),
      );
    await push();
    const rules = folder.write('rules.yml', RULES);
    const receiver = await openReceiver();
    const first = await startVmalert(rules, program.url, receiver.url);
    opened.push(first.stop);
    const newestOf = async (query: string): Promise<string | undefined> => {
      const data = await program.api<QueryData>('/api/v1/query', { query });
      return data.resultType === 'vector' ? data.result[0]?.value?.[1] : undefined;
    };
    const seen = async (): Promise<string> => {
      await first.alerts();
      return first.output().slice(-1500);
    };
    await until('the recorded sum', async () => (await newestOf('job:load:sum{job="j0"}')) === '7', { seen });
    const firing =
      'ALERTS{alertname="Loaded",alertstate="firing",job="j0",severity="page",alertgroup="fast"}';
    await until('the alert, written back', async () => (await newestOf(firing)) === '1', { seen });
    const since = await newestOf('ALERTS_FOR_STATE{alertname="Loaded",job="j0"}');
    expect(Number(since)).toBeGreaterThan(Date.now() / 1000 - 60);
    const [alert] = await first.alerts();
    expect(alert).toMatchObject({ state: 'firing', annotations: { summary: 'j0 has 7' } });
    expect(receiver.bodies.join()).toContain('"alertname":"Loaded"');
    await first.stop();
    await push();
    const second = await startVmalert(rules, program.url, receiver.url);
    opened.push(second.stop);
    const restored = await until('the alert after a new start', async () => (await second.alerts())[0], {
      seen: () => second.output().slice(-1500),
    });
    // Without what it left here it would be active since a moment ago, and pending again.
    expect(Math.abs(Date.parse(restored.activeAt) / 1000 - Number(since))).toBeLessThan(1);
    const again = await until('the alert firing at once', async () =>
      (await second.alerts()).find(({ state }) => state === 'firing'),
    );
    expect(again.value).toBe('7');
    expect(`${first.output()}${second.output()}`).not.toMatch(/\terror\t/);
  });
});

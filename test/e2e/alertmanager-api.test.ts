// The real program as an Alertmanager: what several replicas post is one alert, told once; what was accepted outlives a kill.

import { afterEach, describe, expect, it } from 'vitest';
import type { GettableAlertJson } from '../../src/api/index.ts';
import { openHttp, type Program, startProgram, temporaryFolder, until } from './support.ts';

const TEST_MS_MAX = 60_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Told {
  readonly status: string;
  readonly alerts: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly startsAt: string;
  }[];
}

async function world() {
  const folder = temporaryFolder();
  opened.push(folder.remove);
  const told: Told[] = [];
  const hook = await openHttp(({ body }) => {
    told.push(JSON.parse(body) as Told);
    return { body: '' };
  });
  opened.push(hook.close);
  const config = folder.write(
    'watchkeeper.yml',
    `host: { enabled: false }
rule_files: []
web: { route_prefix: /watch }
route: { receiver: hook, group_by: [alertname], group_wait: 50ms, group_interval: 100ms }
receivers: [{ name: hook, webhook_configs: [{ url: '${hook.url}/' }] }]
`,
  );
  const start = async (): Promise<Program> => {
    const program = await startProgram({
      folder,
      args: ['--config', config],
      // The greeting names the prefix, too.
      isReady: url => fetch(`${url.replace(/\/watch\/?$/, '')}/watch/-/ready`).then(answer => answer.ok),
    });
    opened.push(program.kill);
    return program;
  };
  return { told, start };
}

const base = (program: Program): string => `${program.url.replace(/\/watch\/?$/, '')}/watch/api/v2`;

async function post(program: Program, alerts: readonly object[]): Promise<number> {
  const answer = await fetch(`${base(program)}/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(alerts),
  });
  return answer.status;
}

const alertsOf = async (program: Program): Promise<readonly GettableAlertJson[]> =>
  (await (await fetch(`${base(program)}/alerts`)).json()) as GettableAlertJson[];

describe('the API of Alertmanager', () => {
  it('takes an alert of two replicas as one, and tells it once', { timeout: TEST_MS_MAX }, async () => {
    const { told, start } = await world();
    const program = await start();
    const nowMs = Date.now();
    const at = (seconds: number): string => new Date(nowMs + seconds * 1000).toISOString();
    const alert = { labels: { alertname: 'Down', instance: 'a' }, annotations: { summary: 'x' } };
    // The second replica saw it a little later; both give it the same four minutes.
    expect(await post(program, [{ ...alert, startsAt: at(-60), endsAt: at(240) }])).toBe(200);
    expect(await post(program, [{ ...alert, startsAt: at(-55), endsAt: at(245) }])).toBe(200);
    const [only, ...more] = await alertsOf(program);
    expect(more).toEqual([]);
    expect([only?.startsAt, only?.endsAt]).toEqual([at(-60), at(245)]);
    await until('the message', () => told.length > 0);
    for (let round = 0; round < 3; round++) {
      expect(await post(program, [{ ...alert, startsAt: at(-60), endsAt: at(250 + round) }])).toBe(200);
      expect(await post(program, [{ ...alert, startsAt: at(-55), endsAt: at(255 + round) }])).toBe(200);
    }
    // One replica sees the end of it, and the other a moment later.
    expect(await post(program, [{ ...alert, startsAt: at(-60), endsAt: at(-1) }])).toBe(200);
    await until('the message that it is over', () => told.at(-1)?.status === 'resolved');
    expect(told.map(({ status, alerts }) => [status, alerts.length])).toEqual([
      ['firing', 1],
      ['resolved', 1],
    ]);
    expect(await alertsOf(program)).toEqual([]);
  });

  it('keeps what it accepted over a kill', { timeout: TEST_MS_MAX }, async () => {
    const { start } = await world();
    const program = await start();
    expect(await post(program, [{ labels: { alertname: 'Kept' } }])).toBe(200);
    const silence = {
      matchers: [{ name: 'alertname', value: 'Kept', isRegex: false }],
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
      createdBy: 'ann',
      comment: 'x',
    };
    const set = await fetch(`${base(program)}/silences`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(silence),
    });
    const { silenceID } = (await set.json()) as { readonly silenceID: string };
    await program.kill();
    const again = await start();
    const [kept] = await until('the alert', async () => {
      const found = await alertsOf(again);
      return found.length > 0 && found;
    });
    expect(kept?.labels).toEqual({ alertname: 'Kept' });
    expect(kept?.status).toMatchObject({ state: 'suppressed', silencedBy: [silenceID] });
  });
});

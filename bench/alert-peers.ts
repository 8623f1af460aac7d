// Claims: alerts of others are accepted faster than by Alertmanager, cost less CPU from the post to the webhook (the journal
// is on), are told sooner after group_wait, need less memory, and are listed sooner. Each on one core, the sender and the
// webhook on another. BENCH_ALERTS (default 10000), each its own group; group_wait 1 s; 64 a POST, one after the other.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  ALERTMANAGER,
  ALERTS_A_POST,
  alertConfigs,
  bodyOf,
  openWebhook,
  Poster,
  type Webhook,
} from './peers/alert-load.ts';
import {
  cpuSeconds,
  keepOff,
  median,
  pinnable,
  presentSystems,
  type Running,
  residentMb,
  SYSTEMS,
  type System,
  withSystem,
} from './peers/systems.ts';

const ALERTS = Number(process.env['BENCH_ALERTS'] ?? 10_000);
const GROUP_WAIT_MS = 1000;
const PACED_A_SECOND = 1000;
const ALL_TOLD_WITHIN_MS = 120_000;
/** What is written behind the messages (outcomes, the notification log) is work for them, too. */
const SETTLING_MS = 2000;
const GETS = 15;

interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Whether more is better. */
  readonly isRate?: true;
}

async function withWebhook<T>(
  system: System,
  work: (running: Running, hook: Webhook, poster: Poster) => Promise<T>,
): Promise<T> {
  const hook = await openWebhook();
  try {
    return await withSystem(
      system,
      async running => {
        const poster = new Poster(running.at.port);
        try {
          return await work(running, hook, poster);
        } finally {
          poster.close();
        }
      },
      alertConfigs(hook.url),
    );
  } finally {
    await hook.close();
  }
}

async function untilTold(hook: Webhook, count: number): Promise<void> {
  const endMs = performance.now() + ALL_TOLD_WITHIN_MS;
  while (hook.toldMs.size < count) {
    if (performance.now() > endMs) throw new Error(`${hook.toldMs.size} of ${count} alerts were told`);
    await sleep(20);
  }
}

/** All at once: what is accepted a second, the CPU of it, and what then lies in memory. */
async function burst(system: System): Promise<readonly Row[]> {
  return withWebhook(system, async ({ pid }, hook, poster) => {
    const before = { cpu: cpuSeconds(pid), atMs: performance.now() };
    for (let first = 0; first < ALERTS; first += ALERTS_A_POST)
      await poster.post(bodyOf(first, Math.min(ALERTS_A_POST, ALERTS - first)));
    const acceptedS = (performance.now() - before.atMs) / 1000;
    await untilTold(hook, ALERTS);
    const toldS = (performance.now() - before.atMs) / 1000;
    await sleep(SETTLING_MS);
    const cpuMs = ((cpuSeconds(pid) - before.cpu) * 1000) / ALERTS;
    const residentMiB = residentMb(pid);
    const gets: number[] = [];
    for (let i = 0; i < GETS; i++) {
      const startMs = performance.now();
      const bytes = await poster.alerts();
      gets.push(performance.now() - startMs);
      if (bytes < ALERTS * 100) throw new Error('not all alerts are listed');
    }
    return [
      { what: 'accepted', value: ALERTS / acceptedS, unit: 'alerts/s', isRate: true },
      { what: 'told', value: ALERTS / toldS, unit: 'alerts/s', isRate: true },
      { what: 'CPU, from the post to the webhook', value: cpuMs, unit: 'ms an alert' },
      { what: 'messages', value: hook.messages(), unit: '' },
      { what: `resident memory with ${ALERTS} groups`, value: residentMiB, unit: 'MiB' },
      { what: `GET of ${ALERTS} alerts, median`, value: median(gets), unit: 'ms' },
      { what: `GET of ${ALERTS} alerts, slowest`, value: Math.max(...gets), unit: 'ms' },
    ];
  });
}

/** A thousand a second: how long beyond group_wait until the webhook has each. */
async function paced(system: System): Promise<readonly Row[]> {
  return withWebhook(system, async (_, hook, poster) => {
    const postedMs = new Map<number, number>();
    const startMs = performance.now();
    for (let first = 0; first < ALERTS; first += ALERTS_A_POST) {
      const dueMs = startMs + (first / PACED_A_SECOND) * 1000;
      await sleep(Math.max(0, dueMs - performance.now()));
      const body = bodyOf(first, Math.min(ALERTS_A_POST, ALERTS - first));
      const atMs = performance.now();
      for (let i = 0; i < ALERTS_A_POST; i++) postedMs.set(first + i, atMs);
      await poster.post(body);
    }
    await untilTold(hook, ALERTS);
    const delays = [...hook.toldMs]
      .map(([id, toldMs]) => toldMs - (postedMs.get(id) ?? Number.NaN) - GROUP_WAIT_MS)
      .sort((a, b) => a - b);
    const at = (share: number): number => delays[Math.floor((delays.length - 1) * share)] ?? Number.NaN;
    return [
      { what: `delay beyond group_wait at ${PACED_A_SECOND}/s, p50`, value: at(0.5), unit: 'ms' },
      { what: `delay beyond group_wait at ${PACED_A_SECOND}/s, p99`, value: at(0.99), unit: 'ms' },
    ];
  });
}

keepOff();
process.stdout.write(
  `${ALERTS} alerts, each its own group; ${pinnable ? 'pinned to a core' : 'not pinned'}; Watchkeeper keeps a journal and answers when the alerts are on disk\n`,
);
const ours = new Map<string, number>();
const candidates = [...SYSTEMS.filter(({ name }) => name === 'watchkeeper'), ALERTMANAGER];
for (const system of presentSystems(candidates)) {
  for (const { what, value, unit, isRate } of [...(await burst(system)), ...(await paced(system))]) {
    if (system.name === 'watchkeeper') ours.set(what, value);
    const own = ours.get(what) ?? Number.NaN;
    const ratio = isRate === true ? own / value : value / own;
    process.stdout.write(
      `${system.name.padEnd(14)} ${what.padEnd(46)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit.padEnd(12)} (ours is x${ratio.toFixed(2)})\n`,
    );
  }
}

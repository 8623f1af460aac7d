// Claim: a thousand alert rules are evaluated sooner than by Prometheus, by what each program says of its own group, and cost
// less CPU. Each on one core, who pushes on another. Over the data of push-load.ts (BENCH_HOSTS, default 1000, of 20 series), whose
// newest samples are of now. vmalert is a program of its own beside VictoriaMetrics and has no place here.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodies, loadOf, sendAll } from './peers/push-load.ts';
import {
  cpuSeconds,
  keepOff,
  median,
  pinnable,
  presentSystems,
  type System,
  withSystem,
} from './peers/systems.ts';

const HOSTS = Number(process.env['BENCH_HOSTS'] ?? 1000);
const RULES = 1000;
const STEP_MS = 15_000;
const STEPS = 40;
const INTERVAL_S = 5;
/** The first evaluations find cold code and new alerts. */
const WARM_UP_MS = 30_000;
const MEASURED_MS = 60_000;

const load = loadOf(HOSTS);

/** Of one host each, as rules with a label in their place are; every tenth over all hosts of a region. */
function ruleFile(): string {
  const rules = Array.from({ length: RULES }, (_, i) => {
    const host = `instance="host-0-${i % HOSTS}.example.net:9100"`;
    const expr = [
      `node_load1{${host}} > 505`,
      `rate(http_errors_total{${host}}[5m]) / rate(http_requests_total{${host}}[5m]) > 0.9`,
      `node_filesystem_avail_bytes{${host}} < 10005`,
      `avg_over_time(temperature_celsius{${host}}[5m]) > 10700`,
      `absent(threads_running{${host}})`,
    ][i % 5];
    const wide = `sum by (region) (rate(jobs_done_total{region="eu-west-${i % 3}"}[5m])) < 0`;
    const text = JSON.stringify(i % 10 === 9 ? wide : expr);
    return `      - { alert: Rule${i}, expr: ${text}, for: 1m, labels: { severity: page } }\n`;
  });
  return `groups:\n  - name: all\n    interval: ${INTERVAL_S}s\n    rules:\n${rules.join('')}`;
}

interface Figures {
  readonly evaluationS: number;
  readonly cpuMsEach: number;
}

async function measure(system: System, folder: string): Promise<Figures> {
  const rules = join(folder, 'rules.yml');
  writeFileSync(rules, ruleFile());
  const config = {
    watchkeeper: `host: { enabled: false }\nrule_files: [${JSON.stringify(rules)}]\n`,
    others: `scrape_configs: []\nrule_files: [${JSON.stringify(rules)}]\n`,
  };
  return withSystem(
    system,
    async ({ at, pid }) => {
      const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
      const timeMs = (step: number): number => endMs - (STEPS - 1 - step) * STEP_MS;
      const push = async (fromStep: number, steps: number): Promise<void> => {
        const part = { fromStep, steps, timeMs, packing: 'snappy', seriesEach: 500 } as const;
        await sendAll({ port: at.port, path: system.writePath }, bodies(load, part));
      };
      for (let step = 0; step < STEPS; step += 10) await push(step, 10);
      await sleep(WARM_UP_MS);
      const times: number[] = [];
      const before = { cpu: cpuSeconds(pid), atMs: performance.now() };
      while (performance.now() - before.atMs < MEASURED_MS) {
        await sleep(INTERVAL_S * 1000);
        times.push(await evaluationTime(at.port));
      }
      const evaluations = (performance.now() - before.atMs) / 1000 / INTERVAL_S;
      const cpuMs = (cpuSeconds(pid) - before.cpu) * 1000;
      return { evaluationS: median(times), cpuMsEach: cpuMs / evaluations / RULES };
    },
    config,
  );
}

async function evaluationTime(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/rules`);
  const body = (await response.json()) as {
    readonly data: {
      readonly groups: readonly {
        readonly evaluationTime: number;
        readonly rules: readonly { readonly health: string }[];
      }[];
    };
  };
  const [group] = body.data.groups;
  if (group?.rules.length !== RULES || group.rules.some(({ health }) => health !== 'ok'))
    throw new Error('a rule is not well');
  return group.evaluationTime;
}

keepOff();
process.stdout.write(
  `${RULES} alert rules over ${load.series} series each ${INTERVAL_S} s; ${pinnable ? 'pinned to a core' : 'not pinned'}\n`,
);
const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
try {
  for (const system of presentSystems()) {
    if (system.name === 'victoria-metrics') continue;
    const { evaluationS, cpuMsEach } = await measure(system, folder);
    process.stdout.write(
      `${system.name.padEnd(18)} all of them in ${(evaluationS * 1000).toFixed(0)} ms; ${cpuMsEach.toFixed(2)} CPU ms an evaluation of one\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

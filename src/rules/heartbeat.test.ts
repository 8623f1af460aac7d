// The rule of the dead man's switch: it fires with the time of the last own sample as its value, and for no other program.

import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { createQueryEngine } from '../promql/index.ts';
import { heartbeatRules } from './heartbeat.ts';
import { readRules } from './reader.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { runRuleTests } from './testing/run-tests.ts';

const rule = { alert: 'Beat', job: 'watchkeeper', instance: 'this "host"', intervalMs: 20_000 };

it('is an ordinary rule file, whatever the host is called', () => {
  const { prepare } = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() });
  const read = readRules(heartbeatRules(rule), { file: 'h.yml', prepare });
  expect(read.diagnostics).toEqual([]);
  expect(read.file?.groups).toMatchObject([{ name: 'heartbeat', intervalMs: 20_000 }]);
});

it('fires while there are samples of this very program', async () => {
  const own = 'watchkeeper_ready{job="watchkeeper", instance="this \\"host\\""}';
  const tests = `
rule_files: [h.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: ${JSON.stringify(own)}
        values: '1 1 1 stale'
      - series: ${JSON.stringify(own.replace('ready', 'scrape_standstill_seconds'))}
        values: '0 0 40 stale'
      - series: 'watchkeeper_ready{job="watchkeeper", instance="other"}'
        values: '1x20'
    promql_expr_test:
      - expr: timestamp(${own}) > 0
        eval_time: 2m
        exp_samples: [{ labels: ${JSON.stringify('{job="watchkeeper", instance="this \\"host\\""}')}, value: 120 }]
      - expr: timestamp(${own}) - watchkeeper_scrape_standstill_seconds > 0
        eval_time: 2m
        exp_samples: [{ labels: ${JSON.stringify('{job="watchkeeper", instance="this \\"host\\""}')}, value: 80 }]
    alert_rule_test:
      - eval_time: 2m
        alertname: Beat
        exp_alerts:
          - exp_labels: { severity: none, job: watchkeeper, instance: 'this "host"' }
            exp_annotations:
              summary: 'Watchkeeper is alive'
              description: 'This alert always fires: as long as it does its message goes to the heartbeat URL. Nothing is wrong.'
              summary_zh: 'Watchkeeper 运行正常'
              description_zh: '此告警始终处于触发状态，其通知发送到心跳 URL，并不表示有故障。'
      - eval_time: 4m
        alertname: Beat
        exp_alerts: []
`;
  const report = await runRuleTests(tests, {
    file: 'tests.yml',
    readRuleFiles: async name => [{ name, text: { ok: true, value: heartbeatRules(rule) } }],
    createQuery: reader => createQueryEngine({ reader, clock: new FakeClock() }),
    monotonicMs: () => 0,
  });
  expect(report.diagnostics).toEqual([]);
  expect(report.failures.map(failure => failure.message)).toEqual([]);
  expect(report.checksRun).toBe(4);
});

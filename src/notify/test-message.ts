// The message that a person sends to see whether a receiver works.

import { fingerprint, labelsFrom, type NotificationJob } from '../model/index.ts';

export interface TestMessage {
  readonly destination: string;
  readonly nowMs: number;
  readonly id: number;
  readonly externalUrl: string;
}

export function testJob(test: TestMessage): NotificationJob {
  const labels = labelsFrom({ alertname: 'WatchkeeperTest', severity: 'none' });
  const rule = { file: '', group: '', name: 'WatchkeeperTest', labelsKey: '' };
  return {
    id: `test-${test.id.toString(16).padStart(8, '0')}`,
    receiver: test.destination,
    groupKey: '{}/test:{}',
    groupLabels: labelsFrom({ alertname: 'WatchkeeperTest' }),
    alerts: [
      {
        labels,
        fingerprint: fingerprint(labels),
        annotations: labelsFrom({ summary: 'Test message of Watchkeeper: nothing is wrong.' }),
        state: 'firing',
        activeAtMs: test.nowMs,
        firedAtMs: test.nowMs,
        reason: 'test',
        value: 0,
        rule,
        expr: '',
        generatorUrl: '',
      },
    ],
    status: 'firing',
    reason: 'test message',
    possibleRepeat: false,
    deadlineMs: test.nowMs,
    externalUrl: test.externalUrl,
  };
}

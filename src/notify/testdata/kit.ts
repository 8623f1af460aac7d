// What tests of channels share: a job, ports that record, settings read from YAML.

import { FakeClock } from '../../../test/support/clock.ts';
import { FakeExec } from '../../../test/support/exec.ts';
import { FakeHttp } from '../../../test/support/http.ts';
import { FakeMail } from '../../../test/support/mail.ts';
import { parseDocument, readDocument } from '../../config/index.ts';
import { type Alert, fingerprint, labelsFrom, type NotificationJob } from '../../model/index.ts';
import type { AnyChannel, ChannelPorts, Sender } from '../channel.ts';
import { channels } from '../channels.ts';
import { createRender, type TemplateFile } from '../render.ts';

export const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

export function alert(instance: string, part: Partial<Alert> = {}): Alert {
  const labels = labelsFrom({ alertname: 'Down', job: 'web', instance });
  return {
    labels,
    fingerprint: fingerprint(labels),
    annotations: labelsFrom({ summary: `<b>web</b> is down`, runbook: `http://runbook/${instance}` }),
    state: 'firing',
    activeAtMs: START_MS,
    firedAtMs: START_MS,
    reason: 'above',
    value: 1,
    rule: { file: 'r.yml', group: 'g', name: 'Down', labelsKey: '' },
    expr: 'up == 0',
    generatorUrl: 'http://watchkeeper.test/graph?x=1&y=2',
    ...part,
  };
}

export function jobOf(part: Partial<NotificationJob> = {}): NotificationJob {
  return {
    id: 'boot-7',
    receiver: 'ops/webhook[0]',
    groupKey: '{}:{alertname="Down"}',
    groupLabels: labelsFrom({ alertname: 'Down' }),
    alerts: [alert('a'), alert('b', { state: 'resolved', resolvedAtMs: START_MS + 61_500 })],
    status: 'firing',
    reason: 'first notification',
    possibleRepeat: false,
    deadlineMs: START_MS + 60_000,
    externalUrl: 'http://watchkeeper.test',
    ...part,
  };
}

export interface Kit {
  readonly clock: FakeClock;
  readonly http: FakeHttp;
  readonly mail: FakeMail;
  readonly exec: FakeExec;
  readonly ports: ChannelPorts;
}

export function kit(files: readonly TemplateFile[] = []): Kit {
  const clock = new FakeClock(START_MS);
  const http = new FakeHttp(clock);
  const mail = new FakeMail(clock);
  const exec = new FakeExec(clock);
  const render = createRender({ clock, files });
  if (!render.ok) throw new Error(render.error.message);
  return { clock, http, mail, exec, ports: { clock, http, mail, exec, render: render.value } };
}

export function channelOf(key: string): AnyChannel {
  const found = channels.find(one => one.key === key);
  if (found === undefined) throw new Error(key);
  return found;
}

export function read(key: string, yaml: string): { value: unknown; says: readonly string[] } {
  const outcome = readDocument(parseDocument(yaml, 'a.yml'), channelOf(key).schema);
  return {
    value: outcome.value,
    says: outcome.diagnostics.map(one => `${one.severity} ${one.code}: ${one.message}`),
  };
}

export function senderOf(key: string, yaml: string, ports: ChannelPorts): Sender {
  const { value, says } = read(key, yaml);
  const errors = says.filter(one => one.startsWith('error'));
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const sender = channelOf(key).create(value, ports);
  if (!sender.ok) throw new Error(sender.error);
  return sender.value;
}

export const signal = new AbortController().signal;
export const messageOf = (job: NotificationJob) => ({ job, receiver: 'ops.x', isTest: false });

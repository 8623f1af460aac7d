// Our default templates beside Debian's amtool 0.25: both render each of them alike, as text and as HTML, over messages
// of all kinds. amtool reads them from a file, as a person's own.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Alert, fingerprint, labelsFrom, type NotificationJob } from '../../src/model/index.ts';
import {
  createRender,
  defaultTemplates,
  type NotificationData,
  notificationData,
} from '../../src/notify/index.ts';
import { FakeClock } from '../support/clock.ts';

const BINARY = 'amtool';
const hasAmtool = spawnSync(BINARY, ['--version']).status === 0;
if (!hasAmtool) console.warn(`peers: ${BINARY} is not installed: its tests are skipped`);

const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function alert(labels: Readonly<Record<string, string>>, part: Partial<Alert> = {}): Alert {
  const set = labelsFrom({ alertname: 'Down', ...labels });
  return {
    labels: set,
    fingerprint: fingerprint(set),
    annotations: labelsFrom({ summary: `${labels['instance'] ?? ''} is down`, summary_zh: '目标无法访问' }),
    state: 'firing',
    activeAtMs: START_MS,
    firedAtMs: START_MS,
    reason: 'above',
    value: 1,
    rule: { file: 'r.yml', group: 'g', name: 'Down', labelsKey: '' },
    expr: 'up == 0',
    generatorUrl: 'http://watchkeeper.test/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
    ...part,
  };
}

const resolved: Partial<Alert> = { state: 'resolved', resolvedAtMs: START_MS + 90_000 };

const SETS: Readonly<Record<string, Partial<NotificationJob>>> = {
  'one that fires': { alerts: [alert({ instance: 'a', severity: 'critical' })] },
  resolved: {
    status: 'resolved',
    alerts: [alert({ instance: 'a', severity: 'warning' }, resolved), alert({ instance: 'b' }, resolved)],
  },
  'fires and resolved': {
    alerts: [
      alert({ instance: 'a', severity: 'warning' }),
      alert({ instance: 'b', severity: 'info' }, resolved),
      alert({ instance: 'c', severity: 'critical' }),
    ],
  },
  'many alerts': {
    alerts: Array.from({ length: 120 }, (_, i) => alert({ instance: `host-${i}`, severity: 'info' })),
  },
  'no annotations, no address': {
    alerts: [alert({ instance: 'a' }, { annotations: labelsFrom({}), generatorUrl: '' })],
    externalUrl: '',
  },
  'no group labels': { alerts: [alert({ instance: 'a' })], groupLabels: labelsFrom({}) },
  Chinese: {
    alerts: [
      alert(
        { instance: '数据库-1', 机房: '上海' },
        { annotations: labelsFrom({ summary: '磁盘空间不足，剩余 5 %', description: '请尽快处理\n第二行' }) },
      ),
    ],
    groupLabels: labelsFrom({ alertname: 'Down', 机房: '上海' }),
  },
  'markup and quotes': {
    alerts: [
      alert(
        { instance: `<script>alert("x")</script>'&`, path: 'a b+c/é?x=1&y=%20' },
        {
          annotations: labelsFrom({ summary: '<!channel> "quoted" & <b>bold</b> `tick` \\ {{ .Status }}' }),
          generatorUrl: 'javascript:alert(1)',
        },
      ),
    ],
    groupLabels: labelsFrom({ alertname: '<b>&"\'' }),
    externalUrl: 'http://watchkeeper.test/a?b=c&d="e"',
  },
};

function dataOf(part: Partial<NotificationJob>): NotificationData {
  const job: NotificationJob = {
    id: 'boot-1',
    receiver: 'ops/slack[0]',
    groupKey: '{}:{alertname="Down"}',
    groupLabels: labelsFrom({ alertname: 'Down' }),
    alerts: [],
    status: 'firing',
    reason: 'first notification',
    possibleRepeat: false,
    deadlineMs: START_MS,
    externalUrl: 'http://watchkeeper.test',
    ...part,
  };
  return notificationData({ job, receiver: 'team (ops) & co', isTest: false, alertsMax: 0 });
}

/** As amtool reads it: template.Data of Go, by its JSON names. */
function asJson(data: NotificationData): string {
  const iso = (atMs: number | undefined): string =>
    atMs === undefined ? '0001-01-01T00:00:00Z' : new Date(atMs).toISOString();
  return JSON.stringify({
    receiver: data.Receiver,
    status: data.Status,
    alerts: data.Alerts.map(one => ({
      status: one.Status,
      labels: one.Labels,
      annotations: one.Annotations,
      startsAt: iso(one.StartsAtMs),
      endsAt: iso(one.EndsAtMs),
      generatorURL: one.GeneratorURL,
      fingerprint: one.Fingerprint,
    })),
    groupLabels: data.GroupLabels,
    commonLabels: data.CommonLabels,
    commonAnnotations: data.CommonAnnotations,
    externalURL: data.ExternalURL,
  });
}

const texts = defaultTemplates().join('\n');
const names = [...texts.matchAll(/\{\{ define "([^"]+)" \}\}/g)].map(match => match[1] ?? '');
/** Those whose dot is a list of alerts. */
const isList = (name: string): boolean => /text_alert_list|\.instances$/.test(name);
const callOf = (name: string): string => `{{ template "${name}" ${isList(name) ? '.Alerts' : '.'} }}`;
/** All in one text, each under its name: one start of amtool renders them all. */
const TEXT = names.map(name => `${name}=[${callOf(name)}]\n`).join('');
const HTML = names
  .filter(name => name.endsWith('.html'))
  .map(callOf)
  .join('\n<hr>\n');

describe.skipIf(!hasAmtool)('amtool template render', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'watchkeeper-templates-'));
    writeFileSync(join(folder, 'own.tmpl'), texts);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function rendered(template: string, type: 'text' | 'html', data: NotificationData): string {
    const file = join(folder, 'data.json');
    writeFileSync(file, asJson(data));
    const ran = spawnSync(
      BINARY,
      [
        'template',
        'render',
        `--template.glob=${join(folder, 'own.tmpl')}`,
        `--template.text=${template}`,
        `--template.type=${type}`,
        `--template.data=${file}`,
      ],
      { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    if (ran.status !== 0) throw new Error(ran.stderr);
    return ran.stdout;
  }

  function ours(template: string, type: 'text' | 'html', data: NotificationData): string {
    const render = createRender({ clock: new FakeClock(START_MS), files: [] });
    if (!render.ok) throw new Error(render.error.message);
    const made = render.value(template, data, type);
    if (!made.ok) throw new Error(made.error.message);
    return made.value;
  }

  it('has templates of every kind to render', () => {
    expect(names.length).toBeGreaterThan(100);
    const kinds = new Set(names.filter(name => !name.startsWith('__')).map(name => name.split('.')[0]));
    expect(kinds.size).toBeGreaterThanOrEqual(17);
  });

  it.each(Object.entries(SETS))('does as we do: %s', (_, part) => {
    const data = dataOf(part);
    expect(ours(TEXT, 'text', data)).toBe(rendered(TEXT, 'text', data));
    expect(ours(HTML, 'html', data)).toBe(rendered(HTML, 'html', data));
  });
});

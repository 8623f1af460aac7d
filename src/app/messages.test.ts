// Messages of the whole system: templates of a person's own, receivers that are not carried out, fallbacks.

import { describe, expect, it } from 'vitest';
import { labelsToRecord, NO_LABELS } from '../model/index.ts';
import { alertmanagerOf } from './alertmanager.ts';
import { bench, configText } from './testdata/bench.ts';

const HOOK = 'http://127.0.0.1:9200/';

describe('templates', () => {
  const receiver = `
    webhook_configs: [{ url: '${HOOK}', payload: { text: '{{ template "mine" . }}' } }]`;
  const config = configText({ more: "templates: ['t/*.tmpl']\n" }).replace(
    /\n {4}webhook_configs.*/,
    receiver,
  );
  const sent = (b: Awaited<ReturnType<typeof bench>>): readonly string[] =>
    b.http.requests.filter(one => one.url === HOOK).map(one => new TextDecoder().decode(one.body));

  it('are read with the configuration, and a reload brings new ones', async () => {
    const b = await bench();
    await b.write('watchkeeper.yml', config);
    await b.write('t/a.tmpl', '{{ define "mine" }}one {{ .Status }}{{ end }}');
    const system = await b.start();
    await b.clock.advance(30_000);
    expect(sent(b)).toEqual(['{"text":"one firing"}']);
    await b.write('t/b.tmpl', '{{ define "mine" }}two {{ .Status }}{{ end }}');
    await b.write('watchkeeper.yml', config.replace('repeat_interval: 1h', 'repeat_interval: 2s'));
    expect((await system.reload()).ok).toBe(true);
    await b.clock.advance(10_000);
    expect(sent(b)).toContain('{"text":"two firing"}');
    await system.stop();
  });

  it('that do not parse leave what is in force in place, with the place of the error', async () => {
    const b = await bench();
    await b.write('watchkeeper.yml', config);
    await b.write('t/a.tmpl', '{{ define "mine" }}one{{ end }}');
    const system = await b.start();
    await b.write('t/a.tmpl', '{{ define "mine" }}\n  {{ .Status | nofunc }}{{ end }}');
    const reloaded = await system.reload();
    expect(reloaded.ok).toBe(false);
    expect(reloaded.problems.join('\n')).toContain('t/a.tmpl:2:');
    await b.clock.advance(30_000);
    expect(sent(b)).toEqual(['{"text":"one"}']);
    await system.stop();
    await expect(b.start()).rejects.toThrow(/t\/a\.tmpl:2:.*template-parse/);
  });
});

it('labels of the route are filled in, in messages and in the API', async () => {
  const b = await bench();
  const labels = `labels: { team: 'web', about: '{{ .CommonLabels.alertname }} of {{ routeLabels "team" }}' }`;
  await b.write('watchkeeper.yml', configText().replace('route: {', `route: { ${labels},`));
  const system = await b.start();
  await b.clock.advance(30_000);
  const filled = { team: 'web', about: 'Trouble of web' };
  const bodies = b.http.requests
    .filter(one => one.url === HOOK)
    .map(one => JSON.parse(new TextDecoder().decode(one.body)) as { readonly routeLabels?: object });
  expect(bodies[0]?.routeLabels).toEqual(filled);
  const [group] = alertmanagerOf(b.ports, system).groups();
  expect(labelsToRecord(group?.routeLabels?.() ?? NO_LABELS)).toEqual(filled);
  await system.stop();
});

describe('a receiver that this version cannot send to', () => {
  const config = configText({
    more: `  - name: pager
    fallback: hook
    pagerduty_configs: [{ routing_key: k }]
`,
  }).replace('receiver: hook', 'receiver: pager');

  it('is warned of; its messages go to its fallback, and its own metrics tell of them', async () => {
    const b = await bench();
    await b.write('watchkeeper.yml', config);
    const system = await b.start();
    expect(b.log.lines.map(line => line.message).join('\n')).toContain('config-not-carried-out');
    await b.clock.advance(30_000);
    expect(b.http.requests.filter(one => one.url === HOOK)).toHaveLength(1);
    const events = await system.state.journal({ stage: 'notify', limit: 10, newestFirst: false });
    expect(events.ok && events.value.map(one => one.verdict)).toEqual(['fallback', 'sent']);
    const family = system
      .ownFamilies()
      .find(one => one.name === 'watchkeeper_notifications_not_carried_out_total');
    expect(family?.samples.map(one => one.value)).toEqual([1]);
    await system.stop();
  });
});

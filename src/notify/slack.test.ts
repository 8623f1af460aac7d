// Slack: what is posted, what its answers mean, and how the message of a group is changed.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HttpErrorCode, ok } from '../base/index.ts';
import { labelsFrom } from '../model/index.ts';
import { outcomeOfSlack } from './slack.ts';
import { alert, jobOf, kit, messageOf, read, senderOf, signal } from './testdata/kit.ts';

const HOOK = 'https://hooks.slack.test/T/B/x';
const APP = 'https://slack.com/api/chat.postMessage';
const OK = { body: 'ok' };
const appAnswer = (body: object) => ({
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body),
});

type Body = Readonly<Record<string, unknown>> & { readonly attachments: readonly Record<string, unknown>[] };

function bodyOf(k: ReturnType<typeof kit>, at = 0): Body {
  return JSON.parse(new TextDecoder().decode(k.http.requests[at]?.body)) as Body;
}

describe('a message', () => {
  it('goes to the webhook as one attachment with our default texts', async () => {
    const k = kit();
    k.http.on(HOOK, OK);
    const outcome = await senderOf('slack_configs', `api_url: ${HOOK}\nchannel: '#ops'`, k.ports).send(
      messageOf(jobOf()),
      signal,
    );
    expect(outcome).toEqual({ kind: 'sent', answer: '200 ok' });
    const body = bodyOf(k);
    expect(body).toMatchObject({ channel: '#ops', username: 'Watchkeeper' });
    const [attachment] = body.attachments;
    expect(attachment).toMatchObject({
      title: '[FIRING:1] Down - <b>web</b> is down',
      title_link: 'http://watchkeeper.test/#/alerts?receiver=ops%5C.x',
      color: 'danger',
      mrkdwn_in: ['fallback', 'pretext', 'text'],
      callback_id: '',
      footer: '',
    });
    // In a text that Slack reads as markup a value makes neither a link nor a mention.
    expect(attachment?.['text']).toContain('*&lt;b&gt;web&lt;/b&gt; is down*');
    expect(attachment?.['text']).toContain('• instance: a');
    expect(attachment?.['text']).toContain('Why now: first notification');
    expect(attachment?.['pretext']).toBeUndefined();
  });

  it('carries all settings out, as templates', async () => {
    const k = kit();
    k.http.on(HOOK, OK);
    const yaml = `
api_url: ${HOOK}
send_resolved: true
channel: '#{{ .CommonLabels.job }}'
username: '{{ .Status }}-bot'
color: '{{ .Status }}'
title: '{{ .CommonLabels.alertname | toUpper }}'
title_link: 'http://x/{{ .CommonLabels.job }}'
pretext: 'pre {{ .Status }}'
text: '{{ len .Alerts }}'
message_text: 'msg {{ .Status }}'
fields: [{ title: 'T {{ .Status }}', value: '{{ .CommonLabels.job }}' }, { title: a, value: b, short: false }]
short_fields: true
footer: 'foot {{ .Status }}'
fallback: 'fall {{ .Status }}'
callback_id: cb
icon_emoji: ':fire:'
icon_url: http://x/i
image_url: http://x/im
thumb_url: http://x/th
link_names: true
mrkdwn_in: [text]
actions:
  - { type: button, text: 'Open {{ .Status }}', url: http://x/a, style: danger, name: gone }
  - type: button
    text: Ack
    name: ack
    value: '{{ .CommonLabels.job }}'
    confirm: { title: Sure?, text: 'Ack {{ .Status }}?', ok_text: Y, dismiss_text: N }
`;
    const sender = senderOf('slack_configs', yaml, k.ports);
    expect(sender.sendResolved).toBe(true);
    await sender.send(messageOf(jobOf()), signal);
    expect(bodyOf(k)).toEqual({
      channel: '#web',
      username: 'firing-bot',
      icon_emoji: ':fire:',
      icon_url: 'http://x/i',
      text: 'msg firing',
      link_names: true,
      attachments: [
        {
          title: 'DOWN',
          title_link: 'http://x/web',
          pretext: 'pre firing',
          fallback: 'fall firing',
          callback_id: 'cb',
          fields: [
            { title: 'T firing', value: 'web', short: true },
            { title: 'a', value: 'b', short: false },
          ],
          actions: [
            { type: 'button', text: 'Open firing', url: 'http://x/a', style: 'danger' },
            {
              type: 'button',
              text: 'Ack',
              name: 'ack',
              value: 'web',
              confirm: { title: 'Sure?', text: 'Ack firing?', ok_text: 'Y', dismiss_text: 'N' },
            },
          ],
          image_url: 'http://x/im',
          thumb_url: 'http://x/th',
          footer: 'foot firing',
          color: 'firing',
          mrkdwn_in: ['text'],
          text: '2',
        },
      ],
    });
  });

  it('says that it may be a repeat, and that it is a test, also over a template of its own; in Chinese too', async () => {
    const k = kit();
    k.http.on(HOOK, OK);
    const sender = senderOf('slack_configs', `api_url: ${HOOK}\ntitle: mine\nlanguage: zh`, k.ports);
    await sender.send({ ...messageOf(jobOf({ possibleRepeat: true })), isTest: true }, signal);
    const [attachment] = bodyOf(k).attachments;
    expect(attachment?.['title']).toBe('[TEST] [?] mine');
    expect(attachment?.['pretext']).toContain('可能重复');
    expect(attachment?.['pretext']).toContain('测试消息');
    expect(attachment?.['text']).toContain('发送原因');
  });

  it('keeps to Slack limits: a title is cut by characters, and a text', async () => {
    const k = kit();
    k.http.on(HOOK, OK);
    const long = labelsFrom({ alertname: '火'.repeat(3000), summary: 'x' });
    const sender = senderOf('slack_configs', `api_url: ${HOOK}`, k.ports);
    await sender.send(messageOf(jobOf({ groupLabels: long, alerts: [alert('x'.repeat(50_000))] })), signal);
    const [attachment] = bodyOf(k).attachments;
    expect([...String(attachment?.['title'])]).toHaveLength(1024);
    expect([...String(attachment?.['text'])]).toHaveLength(20_000);
  });

  it('goes out in plain words when a template fails, and says so', async () => {
    const k = kit();
    k.http.on(HOOK, OK);
    const yaml = `api_url: ${HOOK}\ntitle: '{{ .Nope.x }}'\ntext: '{{ template "gone" . }}'`;
    const outcome = await senderOf('slack_configs', yaml, k.ports).send(messageOf(jobOf()), signal);
    expect(outcome.kind).toBe('sent');
    const [attachment] = bodyOf(k).attachments;
    expect(attachment?.['title']).toBe('[FIRING] Down');
    expect(attachment?.['text']).toContain('instance = a');
    expect(attachment?.['text']).toContain('A template failed');
  });
});

describe('an app', () => {
  it('is shown its token, and told where', async () => {
    const k = kit();
    k.http.on(APP, appAnswer({ ok: true, ts: '1.2', channel: 'C1' }));
    const sender = senderOf('slack_configs', `app_token: xoxb-1\nchannel: C1`, k.ports);
    await sender.send(messageOf(jobOf()), signal);
    expect(k.http.requests[0]).toMatchObject({ url: APP, headers: { authorization: 'Bearer xoxb-1' } });
  });

  it('changes the message of a group, and posts anew where that is gone', async () => {
    const k = kit();
    let update = appAnswer({ ok: true, ts: '1.2', channel: 'C1' });
    k.http.on(APP, appAnswer({ ok: true, ts: '1.2', channel: 'C1' }));
    k.http.on('https://slack.com/api/chat.update', () => update);
    const sender = senderOf('slack_configs', `app_token: t\nchannel: '#ops'\nupdate_message: true`, k.ports);
    const first = await sender.send(messageOf(jobOf()), signal);
    expect(first).toMatchObject({ kind: 'sent', memo: { ts: '1.2', channel: 'C1' } });
    const memo = { ts: '1.2', channel: 'C1' };
    await sender.send({ ...messageOf(jobOf()), memo }, signal);
    expect(k.http.requests[1]?.url).toBe('https://slack.com/api/chat.update');
    expect(bodyOf(k, 1)).toMatchObject({ ts: '1.2', channel: 'C1' });
    update = appAnswer({ ok: false, error: 'message_not_found' });
    const anew = await sender.send({ ...messageOf(jobOf()), memo }, signal);
    expect(anew.kind).toBe('sent');
    expect(k.http.requests.map(one => one.url).slice(2)).toEqual(['https://slack.com/api/chat.update', APP]);
    expect(bodyOf(k, 3)['ts']).toBeUndefined();
  });
});

describe('an answer', () => {
  const json = { 'content-type': 'application/json' };
  it.each([
    ['ok', 200, {}, 'sent'],
    ['ok\n', 200, { 'content-type': 'text/html' }, 'sent'],
    ['no_text', 200, {}, 'drop'],
    ['{"ok":true}', 200, json, 'sent'],
    ['{"ok":false,"error":"channel_not_found"}', 200, json, 'drop'],
    ['{"ok":false,"error":"invalid_auth"}', 200, json, 'drop'],
    ['{"ok":false,"error":"ratelimited"}', 200, json, 'retry'],
    ['{"ok":false,"error":"internal_error"}', 200, json, 'retry'],
    ['{"ok":false}', 200, json, 'drop'],
    ['<html>proxy</html>', 200, json, 'retry'],
    ['"ok"', 200, json, 'retry'],
    ['null', 200, json, 'retry'],
    ['invalid_token', 403, {}, 'drop'],
    ['channel_is_archived', 410, {}, 'drop'],
    ['rollup_error', 500, {}, 'retry'],
  ] as const)('%j with status %i means %s %s', async (body, status, headers, kind) => {
    const k = kit();
    k.http.on(HOOK, { status, headers, body });
    const outcome = await senderOf('slack_configs', `api_url: ${HOOK}`, k.ports).send(
      messageOf(jobOf()),
      signal,
    );
    expect(outcome.kind).toBe(kind);
  });

  it('of a rate limit says how long to wait', async () => {
    const k = kit();
    k.http.on(HOOK, { status: 429, headers: { 'retry-after': '30' }, body: 'rate_limited' });
    const outcome = await senderOf('slack_configs', `api_url: ${HOOK}`, k.ports).send(
      messageOf(jobOf()),
      signal,
    );
    expect(outcome).toMatchObject({ kind: 'retry', afterMs: 30_000 });
  });

  it.each(['http-timeout', 'http-refused', 'http-tls'] satisfies HttpErrorCode[])(
    'that does not come (%s) is waited for again',
    async error => {
      const k = kit();
      k.http.on(HOOK, { error });
      const outcome = await senderOf('slack_configs', `api_url: ${HOOK}`, k.ports).send(
        messageOf(jobOf()),
        signal,
      );
      expect(outcome).toMatchObject({ kind: 'retry', reason: error });
    },
  );
});

describe('settings', () => {
  it.each([
    ['channel: x', 'error config-missing-key: Cannot do without one of "api_url", "api_url_file"'],
    [
      `api_url: ${HOOK}\napi_url_file: f`,
      'error config-conflict: Cannot use "api_url", "api_url_file" together',
    ],
    [`api_url: hooks.slack.test`, 'error config-bad-value: Cannot use the URL of'],
    [`api_url: ${HOOK}\nfields: [{ title: x }]`, 'error config-missing-key: Cannot do without "value"'],
    [
      `api_url: ${HOOK}\nactions: [{ type: button, text: x }]`,
      'error config-missing-key: Cannot do without one of "url", "name"',
    ],
    [`api_url: ${HOOK}\ntitle: '{{ .X'`, 'warning template-parse: Cannot use title as a template'],
    [`api_url: ${HOOK}\nupdate_message: true`, 'warning config-bad-value: Cannot update messages'],
  ])('%j: %s', (yaml, says) => {
    expect(read('slack_configs', yaml).says.join('\n')).toContain(says);
  });

  it('never print a secret', () => {
    const { value } = read('slack_configs', `api_url: ${HOOK}`);
    expect(JSON.stringify(value)).not.toContain('hooks.slack.test');
  });
});

it('no answer, whatever it holds, is more than an outcome', () => {
  const headers = fc.constantFrom<Readonly<Record<string, string>>>(
    { 'content-type': 'application/json' },
    {},
  );
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map(text => new TextEncoder().encode(text)),
    fc
      .record({ ok: fc.anything(), error: fc.anything(), ts: fc.anything(), channel: fc.anything() })
      .map(value => new TextEncoder().encode(fc.stringify(value))),
  );
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), headers, bodies, (status, headers, body) => {
      const outcome = outcomeOfSlack(ok({ status, headers, body, wireBytes: body.length }), 0);
      expect(['sent', 'retry', 'drop']).toContain(outcome.kind);
      // Nothing but a clear word is taken for sent.
      if (outcome.kind === 'sent')
        expect(new TextDecoder().decode(body)).toMatch(/"ok"\s*:\s*true|^\s*ok\s*$/);
      expect(JSON.stringify(outcome).length).toBeLessThan(5000);
    }),
    { seed: 20_260_101, numRuns: 2000 },
  );
});

// The channels: what they read from a file, what they put on the wire, and what they make of the answer.

import { describe, expect, it } from 'vitest';
import { type HttpErrorCode, type MailError, ok } from '../base/index.ts';
import { labelsFrom } from '../model/index.ts';
import { addressesOf } from './email.ts';
import { outcomeOfHttp } from './http-outcome.ts';
import { alert, jobOf, kit, messageOf, read, START_MS, senderOf, signal } from './testdata/kit.ts';

describe('webhook', () => {
  it("posts Alertmanager's JSON to the letter", async () => {
    const k = kit();
    k.http.on('http://hook.test/', { status: 200, body: 'thanks' });
    const yaml = 'url: http://hook.test/x\nhttp_config: { basic_auth: { username: u, password: p } }';
    const outcome = await senderOf('webhook_configs', yaml, k.ports).send(messageOf(jobOf()), signal);
    expect(outcome).toEqual({ kind: 'sent', answer: '200 thanks' });
    const [request] = k.http.requests;
    expect(request?.headers['authorization']).toBe('Basic dTpw');
    expect(new TextDecoder().decode(request?.body)).toBe(
      '{"receiver":"ops\\\\.x","status":"firing","alerts":[' +
        '{"status":"firing","labels":{"alertname":"Down","instance":"a","job":"web"},' +
        '"annotations":{"runbook":"http://runbook/a","summary":"<b>web</b> is down"},' +
        '"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z",' +
        `"generatorURL":"http://watchkeeper.test/graph?x=1&y=2","fingerprint":"${alert('a').fingerprint}"},` +
        '{"status":"resolved","labels":{"alertname":"Down","instance":"b","job":"web"},' +
        '"annotations":{"runbook":"http://runbook/b","summary":"<b>web</b> is down"},' +
        '"startsAt":"2026-01-02T03:04:05Z","endsAt":"2026-01-02T03:05:06.5Z",' +
        `"generatorURL":"http://watchkeeper.test/graph?x=1&y=2","fingerprint":"${alert('b').fingerprint}"}],` +
        '"groupLabels":{"alertname":"Down"},"commonLabels":{"alertname":"Down","job":"web"},' +
        '"commonAnnotations":{"summary":"<b>web</b> is down"},"externalURL":"http://watchkeeper.test",' +
        '"version":"4","groupKey":"{}:{alertname=\\"Down\\"}","truncatedAlerts":0}',
    );
  });

  it('cuts at max_alerts, marks a possible repeat in a header and carries the recovery report', async () => {
    const k = kit();
    k.http.on('http://hook.test/', {});
    const sender = senderOf('webhook_configs', 'url: http://hook.test/x\nmax_alerts: 1', k.ports);
    await sender.send(messageOf(jobOf({ possibleRepeat: true, recoveryReport: 'tried: restart' })), signal);
    const body = JSON.parse(new TextDecoder().decode(k.http.requests[0]?.body)) as Record<string, unknown>;
    expect(body['truncatedAlerts']).toBe(1);
    expect(body['alerts']).toHaveLength(1);
    expect(body['commonAnnotations']).toMatchObject({ watchkeeper_recovery: 'tried: restart' });
    expect(k.http.requests[0]?.headers['x-watchkeeper-possible-repeat']).toBe('true');
  });

  it('has a body of its own, typed by what its templates make', async () => {
    const k = kit();
    k.http.on('http://hook.test/', {});
    const yaml = `
url: http://hook.test/x
payload:
  '{{ .Status }}_count': '{{ len .Alerts }}'
  title: '{{ .CommonLabels.alertname }} is {{ .Status }}'
  isOn: '{{ eq .Status "firing" }}'
  list: ['{{ range .Alerts }}{{ .Labels.instance }} {{ end }}', 7, true, null]
  json: '{{ .CommonLabels | toJson }}'
  nothing: '{{ .CommonLabels.gone }}'
  odd: '[{{ .Status }}:1] it {{ .CommonAnnotations.evil }}'
`;
    const evil = alert('a', { annotations: labelsFrom({ evil: '{{ .Status }}: x' }) });
    await senderOf('webhook_configs', yaml, k.ports).send(messageOf(jobOf({ alerts: [evil] })), signal);
    expect(JSON.parse(new TextDecoder().decode(k.http.requests[0]?.body))).toEqual({
      firing_count: 1,
      title: 'Down is firing',
      isOn: true,
      list: ['a ', 7, true, null],
      json: { alertname: 'Down', instance: 'a', job: 'web' },
      nothing: null,
      odd: '[firing:1] it {{ .Status }}: x',
    });
  });

  it('can say the labels of its route', async () => {
    const k = kit();
    k.http.on('http://hook.test/', {});
    const yaml = `url: http://hook.test/x\npayload: { team: 'team {{ routeLabels "team" }}', gone: 'x{{ routeLabels "gone" }}' }`;
    const routeLabels = labelsFrom({
      team: '{{ .CommonLabels.job }}/{{ routeLabels "site" }}',
      site: 'north',
    });
    await senderOf('webhook_configs', yaml, k.ports).send(messageOf(jobOf({ routeLabels })), signal);
    expect(new TextDecoder().decode(k.http.requests[0]?.body)).toBe('{"team":"team web/north","gone":"x"}');
  });

  it('has the labels of its route in the usual body, filled in', async () => {
    const k = kit();
    k.http.on('http://hook.test/', {});
    const routeLabels = labelsFrom({
      team: '{{ .CommonLabels.job }} team',
      bad: '{{ .Nope.x }}',
      plain: 'x',
    });
    const sender = senderOf('webhook_configs', 'url: http://hook.test/x', k.ports);
    await sender.send(messageOf(jobOf({ routeLabels })), signal);
    await sender.send(messageOf(jobOf()), signal);
    const [withLabels, without] = k.http.requests.map(one => JSON.parse(new TextDecoder().decode(one.body)));
    expect(withLabels.routeLabels).toEqual({ team: 'web team', bad: '{{ .Nope.x }}', plain: 'x' });
    expect(without).not.toHaveProperty('routeLabels');
  });

  it.each([
    ["'http://hook.test/{{ .CommonLabels.job }}'", 'http://hook.test/web'],
    ["'{{ .CommonAnnotations.hook }}'", undefined],
    ["'http://hook.test/{{ .Nope.x }}'", undefined],
  ])('takes its address from the template %s', async (url, wanted) => {
    const k = kit();
    k.http.on('http://hook.test/', {});
    const outcome = await senderOf('webhook_configs', `url: ${url}`, k.ports).send(
      messageOf(jobOf()),
      signal,
    );
    expect(k.http.requests.map(one => one.url)).toEqual(wanted === undefined ? [] : [wanted]);
    expect(outcome.kind).toBe(wanted === undefined ? 'drop' : 'sent');
  });

  it('has the usual body where its own cannot be made, and says so', async () => {
    const k = kit();
    k.http.on('http://hook.test/', {});
    const yaml = "url: http://hook.test/x\npayload: { a: '{{ .Nope.x }}' }";
    await senderOf('webhook_configs', yaml, k.ports).send(messageOf(jobOf()), signal);
    const [request] = k.http.requests;
    expect(JSON.parse(new TextDecoder().decode(request?.body))).toMatchObject({ version: '4' });
    expect(request?.headers['x-watchkeeper-template-failed']).toContain('Nope');
  });

  const answers: readonly (readonly [status: number, kind: string])[] = [
    [200, 'sent'],
    [204, 'sent'],
    [301, 'drop'],
    [400, 'drop'],
    [404, 'drop'],
    [408, 'retry'],
    [429, 'retry'],
    [500, 'retry'],
    [503, 'retry'],
  ];
  it.each(answers)('takes status %i for %s', async (status, kind) => {
    const k = kit();
    k.http.on('http://hook.test/', { status, headers: { 'retry-after': '7' } });
    const sender = senderOf('webhook_configs', 'url: http://hook.test/x', k.ports);
    const outcome = await sender.send(messageOf(jobOf()), signal);
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === 'retry') expect(outcome.afterMs).toBe(7000);
  });

  it.each<HttpErrorCode>(['http-refused', 'http-dns', 'http-reset', 'http-tls', 'http-body-too-large'])(
    'tries again after %s',
    async error => {
      const k = kit();
      k.http.on('http://hook.test/', { error });
      const sender = senderOf('webhook_configs', 'url: http://hook.test/x', k.ports);
      expect(await sender.send(messageOf(jobOf()), signal)).toMatchObject({ kind: 'retry', reason: error });
    },
  );

  it('waits as long as Retry-After asks, an hour at most', () => {
    const asking = (wait: string) => {
      const answer = { status: 429, headers: { 'retry-after': wait }, body: new Uint8Array(), wireBytes: 0 };
      return outcomeOfHttp(ok(answer), START_MS);
    };
    expect(asking('120')).toMatchObject({ kind: 'retry', afterMs: 120_000 });
    expect(asking('99999999999')).toMatchObject({ kind: 'retry', afterMs: 3_600_000 });
    expect(asking('soon')).not.toHaveProperty('afterMs');
  });
});

describe('email', () => {
  const basic = 'to: "Ann <ann@x.test>, bob@x.test"\nfrom: wk@x.test\nsmarthost: mail.x.test:587';

  async function sendMail(yaml: string, job = jobOf(), k = kit()) {
    const outcome = await senderOf('email_configs', yaml, k.ports).send(messageOf(job), signal);
    const [mail] = k.mail.attempts;
    if (mail === undefined) throw new Error(`nothing sent: ${JSON.stringify(outcome)}`);
    return { outcome, mail };
  }

  it('sends subject, text and escaped HTML, requiring STARTTLS', async () => {
    const { outcome, mail } = await sendMail(`${basic}\nauth_username: u\nauth_password: p`);
    expect(outcome.kind).toBe('sent');
    expect(mail.server).toEqual({
      host: 'mail.x.test',
      port: 587,
      security: 'starttls-required',
      auth: { username: 'u', password: 'p' },
    });
    expect(mail.to).toEqual(['Ann <ann@x.test>', 'bob@x.test']);
    expect(mail.subject).toBe('[FIRING:1] Down - <b>web</b> is down');
    expect(mail.text).toContain('instance = a');
    expect(mail.text).toContain('since 2026-01-02 03:04:05 UTC');
    expect(mail.text).toContain('Why now: first notification');
    expect(mail.html).toContain('&lt;b&gt;web&lt;/b&gt; is down');
    expect(mail.html).not.toContain('<b>web</b>');
    expect(mail.headers['Message-ID']).toBe('<boot-7@watchkeeper>');
  });

  it('speaks Chinese, marks a possible repeat and tells what recovery tried', async () => {
    const job = jobOf({ possibleRepeat: true, recoveryReport: '- restart: failed' });
    const { mail } = await sendMail(`${basic}\nlanguage: zh`, job);
    expect(mail.subject).toBe('[?] [告警:1] Down - <b>web</b> is down');
    expect(mail.text).toContain('可能重复');
    expect(mail.text).toContain('已尝试的自动恢复:\n- restart: failed');
    expect(mail.html).toContain('- restart: failed');
  });

  it('answers a challenge where there is a secret for it', async () => {
    const { mail } = await sendMail(`${basic}\nauth_username: u\nauth_secret: s`);
    expect(mail.server.auth).toEqual({ username: 'u', password: 's', method: 'cram-md5' });
  });

  it.each([
    ['', /^<group-[0-9a-f]{32}@watchkeeper>$/],
    ['threading: { enabled: true, thread_by_date: daily }', /^<group-[0-9a-f]{32}-2026-01-02@watchkeeper>$/],
    ['threading: { enabled: false }', undefined],
  ])('threads messages of a group as told: %j', async (more, wanted) => {
    const { mail } = await sendMail(`${basic}\n${more}`);
    if (wanted === undefined) expect(mail.headers['References']).toBeUndefined();
    else expect(mail.headers['References']).toMatch(wanted);
  });

  it('marks a test and a possible repeat also over templates of its own', async () => {
    const yaml = `${basic}\nheaders: { Subject: mine }\nhtml: '<!DOCTYPE html><body class="x"><p>mine</p></body>'`;
    const { mail } = await sendMail(yaml, jobOf({ possibleRepeat: true }));
    expect(mail.subject).toBe('[?] mine');
    expect(mail.html).toMatch(
      /^<!DOCTYPE html><body class="x"><p><b>Possible repeat: [^<]*<\/b><\/p><p>mine<\/p>/,
    );
    const short = await sendMail(`${basic}\ntext: mine`, jobOf({ possibleRepeat: true }));
    expect(short.mail.text).toBe('[?] mine');
  });

  it("uses a person's own files in all its texts", async () => {
    const files = [
      {
        path: '/etc/t/own.tmpl',
        text: '{{ define "__subject" }}S {{ .Status }}{{ end }}{{ define "x" }}X{{ end }}',
      },
    ];
    const { mail } = await sendMail(
      `${basic}\nhtml: '{{ template "x" . }}{{ template "own.tmpl" . }}'`,
      jobOf(),
      kit(files),
    );
    expect(mail.subject).toBe('S firing');
    expect(mail.html).toBe('X');
  });

  it('sends a short text alone to an SMS gateway', async () => {
    const { mail } = await sendMail(
      `${basic}\ntext: '{{ .CommonLabels.alertname }} {{ len .Alerts.Firing }}'`,
    );
    expect(mail.text).toBe('Down 1');
    expect(mail.html).toBeUndefined();
    const { mail: bare } = await sendMail(`${basic}\nhtml: ''`);
    expect(bare.text).toBe('[FIRING:1] Down: <b>web</b> is down');
  });

  it('sends plain words when a template fails, and says so', async () => {
    const { outcome, mail } = await sendMail(`${basic}\ntext: '{{ .Nope.x }}{{ nofunction }}'`);
    expect(outcome.kind).toBe('sent');
    expect(mail.text).toContain('instance = a');
    expect(mail.text).toContain('A template failed');
  });

  it('lets no label value begin a header of its own', async () => {
    const evil = labelsFrom({ alertname: 'x\r\nBcc: evil@x.test' });
    const { mail } = await sendMail(
      `${basic}\nheaders: { X-Group: '{{ .GroupLabels.alertname }}' }`,
      jobOf({ groupLabels: evil }),
    );
    expect(mail.subject).not.toMatch(/[\r\n]/);
    expect(mail.headers['X-Group']).toBe('x Bcc: evil@x.test');
  });

  it.each([
    ['smarthost: m:465', 'implicit'],
    ['smarthost: m:25\nrequire_tls: false', 'none'],
    ['smarthost: m:25\nforce_implicit_tls: true', 'implicit'],
    ['smarthost: m:25', 'starttls-required'],
  ])('%s is %s', async (yaml, security) => {
    const { mail } = await sendMail(`to: a@x.test\nfrom: b@x.test\n${yaml}`);
    expect(mail.server.security).toBe(security);
  });

  const refusals: readonly (readonly [MailError['code'], number | undefined, string])[] = [
    ['mail-rejected', 550, 'drop'],
    ['mail-auth', 535, 'drop'],
    ['mail-auth', 454, 'retry'],
    ['mail-temporary', 451, 'retry'],
    ['mail-timeout', undefined, 'retry'],
    ['mail-connect', undefined, 'retry'],
  ];
  it.each(refusals)('takes %s %s for %s', async (code, replyCode, kind) => {
    const k = kit();
    k.mail.failNext(code, replyCode);
    expect((await sendMail(basic, jobOf(), k)).outcome.kind).toBe(kind);
  });

  it('splits addresses at commas outside quotes', () => {
    expect(addressesOf('"Doe, Jane" <j@x.test>,b@x.test, ,\r\nc@x.test')).toEqual([
      '"Doe, Jane" <j@x.test>',
      'b@x.test',
      'c@x.test',
    ]);
  });
});

describe('settings', () => {
  const wrong: readonly (readonly [key: string, yaml: string, says: string])[] = [
    [
      'webhook_configs',
      'send_resolved: true',
      'error config-missing-key: Cannot send to a webhook without an address',
    ],
    [
      'webhook_configs',
      'url: http://a\nurl_file: b',
      'error config-conflict: Cannot use "url" and "url_file" together',
    ],
    ['webhook_configs', 'url: ftp://a', 'error config-bad-value: Cannot use the URL of the webhook'],
    ['webhook_configs', 'url: http://a\ntimout: 3s', 'error config-unknown-key: Cannot use "timout"'],
    [
      'webhook_configs',
      'url: http://a\nhttp_config: { tls_config: { ca_ref: a } }',
      'warning config-not-carried-out: "ca_ref"',
    ],
    [
      'webhook_configs',
      'url: http://a\nhttp_config: { bearer_token: a, basic_auth: { username: b } }',
      'error config-conflict',
    ],
    ['email_configs', 'from: a@x', 'error config-missing-key: Cannot do without "to"'],
    ['email_configs', 'to: a@x\nlanguage: fr', 'error config-bad-value: Cannot take "fr"'],
    [
      'email_configs',
      'to: a@x\nsmarthost: nowhere',
      'error config-bad-value: Cannot use "nowhere" as smarthost',
    ],
    ['email_configs', 'to: a@x\nauth_identity: s', 'warning config-not-carried-out: "auth_identity"'],
    [
      'email_configs',
      'to: a@x\nauth_secret: s\nauth_secret_file: f',
      'error config-conflict: Cannot use "auth_secret"',
    ],
    ['email_configs', "to: a@x\nhtml: '{{ .X'", 'warning template-parse: Cannot use html as a template'],
  ];
  it.each(wrong)('%s %j: %s', (key, yaml, says) => {
    expect(read(key, yaml).says.join('\n')).toContain(says);
  });

  it('never print a secret', () => {
    const { value } = read('webhook_configs', 'url: http://hook.test/token');
    expect(JSON.stringify(value)).not.toContain('token');
  });
});

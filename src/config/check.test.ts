// What a user is told about each slip: one line a slip, place and remedy included.

import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../model/index.ts';
import { checkText, detectKind } from './check.ts';

function check(text: string, want: readonly string[], kind = detectKind(text)): void {
  const found = checkText(kind, { text, file: 'f.yml' }).map(formatDiagnostic);
  expect(found.length, found.join('\n')).toBe(want.length);
  want.forEach((part, i) => {
    expect(found[i]).toContain(part);
  });
}

const RECEIVERS = 'receivers:\n- name: mail\n';

describe('a slip is named with its place and its remedy', () => {
  it('a misspelt key suggests the right one', () => {
    check('global:\n  scrape_intervall: 5s\nrule_files: []\n', [
      'f.yml:2:3: config-unknown-key: Cannot use "scrape_intervall" in global: no such key (did you mean "scrape_interval"?)',
    ]);
  });
  it('a key that got a longer name suggests that', () => {
    check('scrape_configs:\n- job_name: a\n  scrape_classic_histograms: true\n', [
      'f.yml:3:3: config-unknown-key: Cannot use "scrape_classic_histograms" in scrape_configs[0]: no such key (did you mean "always_scrape_classic_histograms"?)',
    ]);
  });
  it('several slips are all told, in the order of the text', () => {
    check(
      'scrape_configs:\n- job_name: a\n  scrape_interval: 5sec\n  honor_labels: perhaps\nrule_file: []\n',
      [
        'f.yml:3:20: config-bad-value: Cannot take "5sec" for scrape_configs[0].scrape_interval: not a duration',
        'f.yml:4:17: config-wrong-type: Cannot take "perhaps" for scrape_configs[0].honor_labels',
        'f.yml:5:1: config-unknown-key: Cannot use "rule_file": no such key (did you mean "rule_files"?)',
      ],
    );
  });
  it('a tab', () => {
    check('global:\n\tscrape_interval: 5s\n', [
      'f.yml:2:1: config-yaml: Cannot read the YAML: tabs are not allowed',
    ]);
  });
  it('a key written twice names the line of the first', () => {
    check('route:\n  receiver: a\n  receiver: b\n', [
      'f.yml:3:3: config-duplicate-key: Cannot use "receiver" twice: it stands at line 2',
    ]);
  });
  it('a single value where a list belongs', () => {
    check('rule_files: rules.yml\n', ['a list expected (write ["rules.yml"])']);
  });
  it('an unknown receiver in a deep route, even beside another slip', () => {
    check(
      `route:\n  receiver: mail\n  group_byy: []\n  routes:\n  - routes:\n    - receiver: mial\n${RECEIVERS}`,
      [
        'f.yml:3:3: config-unknown-key',
        'f.yml:6:17: config-unknown-receiver: Cannot route to "mial": undefined receiver (did you mean "mail"?)',
      ],
    );
  });
  it.each([
    ['slack_configs', "{api_url: 'https://s.test/x', app_token: t}", '"api_url" and "app_token" together'],
    [
      'slack_configs',
      '{app_token: t, http_config: {authorization: {credentials: c}}}',
      'both would fill the same header',
    ],
    ['slack_configs', "{api_url: 'https://s.test/x', fields: [{title: t}]}", '"value"'],
    [
      'email_configs',
      '{to: a, from: b, smarthost: "m:25", headers: {Subject: a, SUBJECT: b}}',
      '"SUBJECT" twice',
    ],
    [
      'email_configs',
      '{to: a, from: b, smarthost: "m:25", headers: {In-Reply-To: a}, threading: {enabled: true}}',
      '"In-Reply-To" with threading.enabled',
    ],
    ['webex_configs', '{room_id: r, http_config: {follow_redirects: true}}', 'without authorization'],
    [
      'opsgenie_configs',
      '{api_key: k, responders: [{name: a, type: crew}]}',
      '"crew" as the type of a responder',
    ],
    [
      'victorops_configs',
      '{api_key: k, routing_key: r, custom_fields: {entity_id: a}}',
      '"entity_id" as a custom field',
    ],
    ['sns_configs', '{topic_arn: a, phone_number: b}', '"topic_arn", "phone_number" together'],
    ['mattermost_configs', "{webhook_url: 'https://s.test/x', fields: [{title: t}]}", '"value"'],
    [
      'incidentio_configs',
      "{url: 'https://s.test/x', alert_source_token: t, http_config: {authorization: {credentials: c}}}",
      'both would fill the same header',
    ],
  ])('what Alertmanager refuses in %s: %s', (kind, settings, message) => {
    const text = `route: {receiver: a}\nreceivers:\n- name: a\n  ${kind}:\n  - ${settings}\n`;
    const found = checkText('alertmanager', { text, file: 'f.yml' }).filter(one => one.severity === 'error');
    expect(found.map(formatDiagnostic)).toEqual([expect.stringContaining(message)]);
    expect(found[0]?.line).toBe(5);
  });
  it.each(['match: {"a-b": x}', 'match_re: {"a b": x}'])(
    'a name that the older matchers do not have: %s',
    older => {
      const route = `route: {receiver: mail, routes: [{${older}}]}\nreceivers: [{name: mail}]\n`;
      check(route, ['invalid label name']);
      const rule = older.replace('match', 'source_match');
      check(`route: {receiver: mail}\nreceivers: [{name: mail}]\ninhibit_rules: [{${rule}}]\n`, [
        'invalid label name',
      ]);
    },
  );
  it('two inhibition rules of one name, as a warning', () => {
    check(
      'route: {receiver: mail}\nreceivers: [{name: mail}]\ninhibit_rules:\n- {name: a, source_matchers: [x=1], target_matchers: [y=1]}\n- {name: a, source_matchers: [x=2], target_matchers: [y=2]}\n',
      ['f.yml:5:4: warning: config-conflict: Cannot tell two inhibition rules named "a" apart'],
    );
  });
  it('settings that exclude each other', () => {
    check(
      'scrape_configs:\n- job_name: a\n  basic_auth: {username: u}\n  authorization: {credentials: c}\n',
      ['f.yml:4:3: config-conflict: Cannot use "basic_auth", "authorization" together'],
    );
  });
  it('a timeout above the interval', () => {
    check('scrape_configs:\n- job_name: a\n  scrape_interval: 5s\n  scrape_timeout: 6s\n', [
      'f.yml:4:3: config-bad-value: Cannot use the scrape_timeout of job "a"',
    ]);
  });
  it('a URL as a target, unless relabelling makes an address of it', () => {
    const job = "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['http://a:1/m']}]\n";
    check(job, ['Cannot use the target "http://a:1/m"']);
    check(`${job}  relabel_configs: [{source_labels: [__address__], target_label: __param_target}]\n`, []);
  });
  it('a page open to other hosts without credentials', () => {
    check('web: {listen: "0.0.0.0:9390"}\n', [
      'it is reachable from other hosts, and no credentials are configured',
    ]);
    check('web:\n  listen: 0.0.0.0:9390\n  tokens: [{name: t, token: x}]\n', []);
  });
  it('where the page cannot be served, and who cannot be told by their origin', () => {
    check('web: {route_prefix: watch}\n', ['Cannot serve below "watch": a path such as /watch expected']);
    check('web: {external_url: "http://a/b%20c/"}\n', [
      'Cannot serve below "/b%20c/", the path of external_url',
    ]);
    check('web: {external_url: "http://a/b%20c/", route_prefix: /}\n', []);
    check('web: {cors_origin: "https://(a"}\n', ['Cannot use the regular expression "https://(a"']);
    check('web: {external_url: "http://a/b/", cors_origin: "https://.*"}\n', []);
  });
});

describe('each slip is told once', () => {
  it('in a part that two jobs share', () => {
    check(
      'scrape_configs:\n- {job_name: a, tls_config: &t {min_version: TLS9}}\n- {job_name: b, tls_config: *t}\n',
      ['f.yml:2:46: config-bad-value: Cannot take "TLS9"'],
    );
  });
  it('a rule that relabelling cannot use', () => {
    check('scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {action: keeep, regex: "("}\n', [
      'f.yml:4:14: config-bad-value: Cannot use the relabel action "keeep": one of replace, keep',
      'f.yml:4:28: config-bad-value: Cannot use the regular expression "("',
    ]);
  });
  it('a kind of discovery that waits, with its own slip', () => {
    check('scrape_configs:\n- job_name: a\n  hetzner_sd_configs:\n  - {rolle: robot}\n', [
      'f.yml:3:3: warning: config-not-carried-out: "hetzner_sd_configs" at scrape_configs[0].hetzner_sd_configs',
      'f.yml:4:6: config-unknown-key: Cannot use "rolle" in scrape_configs[0].hetzner_sd_configs[0]: no such key (did you mean "role"?)',
    ]);
  });
});

it('under the legacy scheme the rules of alerts and remote write are held to it too', () => {
  const text = `global: {metric_name_validation_scheme: legacy}
alerting:
  alert_relabel_configs: [{source_labels: [a], target_label: b.c}]
remote_write:
- url: http://h/
  write_relabel_configs: [{source_labels: [a], target_label: d.e}]
`;
  const found = checkText('prometheus', { text, file: 'f.yml' }).filter(one => one.severity === 'error');
  expect(found.map(formatDiagnostic)).toEqual([
    expect.stringContaining(
      'f.yml:2:1: config-bad-value: Cannot use a relabelling rule of alerting: its target_label "b.c"',
    ),
    expect.stringContaining(
      'f.yml:4:1: config-bad-value: Cannot use a relabelling rule of remote_write: its target_label "d.e"',
    ),
  ]);
});

describe('a valid key that is not carried out gives a warning naming it, and only when present', () => {
  it('in Prometheus’s file', () => {
    check(
      'remote_read: [{url: "http://a/b"}]\nremote_write: [{url: "http://a/b", sigv4: {region: r}}]\nscrape_configs:\n- job_name: a\n  dns_sd_configs: [{names: [x]}]\n',
      [
        'warning: config-not-carried-out: "remote_read"',
        'warning: config-not-carried-out: "sigv4" at remote_write[0].sigv4',
        'warning: config-not-carried-out: "dns_sd_configs" at scrape_configs[0].dns_sd_configs',
      ],
    );
  });
  it('in Alertmanager’s file', () => {
    check(`route: {receiver: mail}\n${RECEIVERS}tracing: {endpoint: "t:4317"}\n`, [
      'warning: config-not-carried-out: "tracing"',
    ]);
  });
  it('a file without such keys has none', () => {
    check(`route: {receiver: mail}\n${RECEIVERS}`, []);
  });
});

describe('YAML as Go’s reader takes it', () => {
  it('merge keys put the base under the own keys', () => {
    check(
      'scrape_configs:\n- &a {job_name: a, scrape_interval: 5s, scrape_timeout: 4s}\n- {<<: *a, job_name: b, scrape_timeout: 6s}\n',
      ['Cannot use the scrape_timeout of job "b"'],
    );
  });
  it('a number where text is wanted is the text as written', () => {
    check('scrape_configs:\n- job_name: 0123\n', []);
  });
  it('what follows the first document is told of', () => {
    check('rule_files: []\n---\nrule_files: []\n', [
      'warning: config-yaml: Cannot use more than the first document',
    ]);
  });
  it('an alias without anchor, and one inside its own anchor', () => {
    check('rule_files: *x\n', ['Cannot follow the alias "*x"']);
    check('route: &r\n  receiver: mail\n  routes: [*r]\nreceivers: [{name: mail}]\n', [
      'Cannot follow the alias "*r"',
    ]);
  });
});

describe('the kind of a file is told by its keys', () => {
  for (const [text, kind] of [
    ['scrape_configs: []', 'prometheus'],
    ['route: {}', 'alertmanager'],
    ['scrape_configs: []\nroute: {}', 'watchkeeper'],
    ['host: {}', 'watchkeeper'],
    ['', 'watchkeeper'],
  ] as const) {
    it(`${JSON.stringify(text)} is ${kind}`, () => expect(detectKind(text)).toBe(kind));
  }
});

describe('the fallback of a receiver', () => {
  const file = (fallback: string): string =>
    `route: { receiver: mail }\nreceivers:\n- name: mail\n  fallback: ${fallback}\n- name: boss\n`;
  it('is another receiver that exists', () => {
    check(file('boss'), []);
    check(file('bos'), [
      'f.yml:4:13: config-unknown-receiver: Cannot fall back to "bos": undefined receiver (did you mean "boss"?)',
    ]);
    check(file('mail'), ['f.yml:4:13: config-conflict: Cannot fall back from "mail" to itself']);
  });
});

it('a heartbeat makes a file one of ours', () => {
  expect(detectKind('heartbeat: { url: "http://x" }\nroute: { receiver: a }\n')).toBe('watchkeeper');
});

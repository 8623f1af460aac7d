// Settings of receivers, right and wrong, one entry a text: what Alertmanager takes or refuses we must take or refuse.

interface Entry {
  /** The key it stands under. */
  readonly kind: string;
  /** The entry as YAML in one line. */
  readonly settings: string;
  /** Of the `global` section. */
  readonly global?: string;
}

const MAIL = 'to: a@x.test, from: b@x.test, smarthost: "m.test:25"';
const SLACK = 'https://hooks.slack.test/x';
const APP = 'https://slack.com/api/chat.postMessage';

export const RECEIVER_TEXTS: readonly Entry[] = [
  { kind: 'email_configs', settings: `{${MAIL}}` },
  { kind: 'email_configs', settings: `{${MAIL}, headers: {Subject: a, X-One: b}}` },
  { kind: 'email_configs', settings: `{${MAIL}, headers: {Subject: a, subject: b}}` },
  { kind: 'email_configs', settings: `{${MAIL}, headers: {X-ONE: a, x-one: b}}` },
  {
    kind: 'email_configs',
    settings: `{${MAIL}, headers: {References: a}, threading: {enabled: true, thread_by_date: none}}`,
  },
  { kind: 'email_configs', settings: `{${MAIL}, headers: {References: a}, threading: {enabled: false}}` },
  { kind: 'email_configs', settings: '{to: a@x.test}' },
  { kind: 'email_configs', settings: '{to: a@x.test}', global: 'smtp_from: a@x.test' },
  {
    kind: 'email_configs',
    settings: '{to: a@x.test}',
    global: 'smtp_from: a@x.test\n  smtp_smarthost: m.test:25',
  },
  { kind: 'email_configs', settings: `{${MAIL.replace('m.test:25', 'm.test')}}` },
  { kind: 'email_configs', settings: `{${MAIL.replace('a@x.test', '""')}}` },
  { kind: 'slack_configs', settings: `{api_url: '${SLACK}'}` },
  { kind: 'slack_configs', settings: '{channel: a}' },
  { kind: 'slack_configs', settings: '{channel: a}', global: `slack_api_url: '${SLACK}'` },
  { kind: 'slack_configs', settings: `{api_url: '${SLACK}', api_url_file: f}` },
  { kind: 'slack_configs', settings: `{api_url: '${SLACK}', app_token: x}` },
  { kind: 'slack_configs', settings: `{app_token: x, http_config: {authorization: {credentials: y}}}` },
  {
    kind: 'slack_configs',
    settings: '{channel: a}',
    global: `slack_app_token: x\n  slack_api_url: '${APP}'`,
  },
  { kind: 'slack_configs', settings: `{api_url: '${SLACK}', fields: [{title: a}]}` },
  { kind: 'slack_configs', settings: `{api_url: '${SLACK}', fields: [{title: a, value: b}]}` },
  { kind: 'slack_configs', settings: `{api_url: '${SLACK}', actions: [{type: button, text: a}]}` },
  {
    kind: 'slack_configs',
    settings: `{api_url: '${SLACK}', actions: [{type: button, text: a, name: b, confirm: {title: c}}]}`,
  },
  { kind: 'webhook_configs', settings: "{url: 'http://x.test/a'}" },
  { kind: 'webhook_configs', settings: "{url: 'ftp://x.test/a'}" },
  { kind: 'webhook_configs', settings: '{}' },
  { kind: 'webhook_configs', settings: "{url: 'http://x.test/a', url_file: f}" },
  { kind: 'webhook_configs', settings: "{url: 'http://x.test/a', max_alerts: -1}" },
  { kind: 'opsgenie_configs', settings: '{api_key: k, responders: [{name: a, type: team}]}' },
  { kind: 'opsgenie_configs', settings: '{api_key: k, responders: [{name: a, type: Team}]}' },
  { kind: 'opsgenie_configs', settings: '{api_key: k, responders: [{name: a, type: wrong}]}' },
  {
    kind: 'opsgenie_configs',
    settings: "{api_key: k, responders: [{name: a, type: '{{ .CommonLabels.type }}'}]}",
  },
  { kind: 'opsgenie_configs', settings: '{api_key: k, responders: [{type: team}]}' },
  { kind: 'victorops_configs', settings: '{api_key: k, routing_key: r, custom_fields: {mine: a}}' },
  { kind: 'victorops_configs', settings: '{api_key: k, routing_key: r, custom_fields: {entity_state: a}}' },
  { kind: 'victorops_configs', settings: '{api_key: k}' },
  { kind: 'sns_configs', settings: '{topic_arn: a, sigv4: {region: r}}' },
  { kind: 'sns_configs', settings: '{topic_arn: a, phone_number: b, sigv4: {region: r}}' },
  { kind: 'sns_configs', settings: '{topic_arn: a, phone_number: b, target_arn: c, sigv4: {region: r}}' },
  { kind: 'sns_configs', settings: '{sigv4: {region: r}}' },
  { kind: 'webex_configs', settings: '{room_id: a, http_config: {authorization: {credentials: x}}}' },
  { kind: 'webex_configs', settings: '{room_id: a, http_config: {bearer_token: x}}' },
  { kind: 'webex_configs', settings: '{room_id: a, http_config: {follow_redirects: true}}' },
  { kind: 'webex_configs', settings: '{http_config: {authorization: {credentials: x}}}' },
  {
    kind: 'webex_configs',
    settings: '{room_id: a}',
    global: 'http_config: { authorization: { credentials: x } }',
  },
  { kind: 'telegram_configs', settings: '{bot_token: t, chat_id: 5}' },
  { kind: 'telegram_configs', settings: '{bot_token: t}' },
  { kind: 'telegram_configs', settings: '{bot_token: t, chat_id: 5, parse_mode: Html}' },
  { kind: 'pushover_configs', settings: '{user_key: u, token: t}' },
  { kind: 'pushover_configs', settings: '{user_key: u}' },
  { kind: 'pagerduty_configs', settings: '{routing_key: r}' },
  { kind: 'pagerduty_configs', settings: '{}' },
  { kind: 'pagerduty_configs', settings: '{routing_key: r, routing_key_file: f}' },
  { kind: 'wechat_configs', settings: '{api_secret: s, corp_id: c, message_type: html}' },
  { kind: 'wechat_configs', settings: '{api_secret: s, corp_id: c, message_type: markdown}' },
  { kind: 'wechat_configs', settings: '{api_secret: s}' },
  { kind: 'discord_configs', settings: "{webhook_url: 'https://d.test/x'}" },
  { kind: 'discord_configs', settings: "{webhook_url: 'x'}" },
  { kind: 'msteams_configs', settings: "{webhook_url: 'https://d.test/x'}" },
  { kind: 'msteams_configs', settings: '{}' },
  { kind: 'mattermost_configs', settings: "{webhook_url: 'https://d.test/x', fields: [{title: a}]}" },
  { kind: 'incidentio_configs', settings: "{url: 'https://d.test/x', alert_source_token: t}" },
  { kind: 'email_configs', settings: 'null' },
  { kind: 'webhook_configs', settings: 'null' },
  { kind: 'telegram_configs', settings: 'null' },
];

export function configOf({ kind, settings, global }: Entry): string {
  const above = global === undefined ? '' : `global:\n  ${global}\n`;
  return `${above}route: { receiver: a }\nreceivers:\n- name: a\n  ${kind}:\n  - ${settings}\n`;
}

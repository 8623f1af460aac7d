// alertmanager.yml: `global`, the settings that every receiver of a kind falls back to.

import { isMap, isScalar, type Node, type Pair } from 'yaml';
import { withInherited } from '../document.ts';
import type { Kind } from '../registry.ts';
import {
  boolean,
  duration,
  keyText,
  optional,
  optionals,
  type ReadContext,
  record,
  type Schema,
  secret,
  secretFile,
  text,
} from '../schema.ts';
import {
  exclusive,
  hasAuthorization,
  hostPort,
  httpUrl,
  httpUrlSecret,
  isSet,
  reportAt,
  requireSet,
} from '../shared/checks.ts';
import { httpConfig, tlsConfig } from '../shared/http.ts';

/** Alertmanager's default for alerts that do not say when they end. */
export const RESOLVE_TIMEOUT_MS = 300_000;

export const alertmanagerGlobalFields = {
  resolve_timeout: optional(duration()),
  ...optionals({
    http_config: httpConfig,
    smtp_from: text(),
    smtp_hello: text(),
    smtp_smarthost: hostPort(),
    smtp_auth_username: text(),
    smtp_auth_password: secret(),
    smtp_auth_password_file: secretFile(),
    smtp_auth_secret: secret(),
    smtp_auth_secret_file: secretFile(),
    smtp_auth_identity: text(),
    smtp_require_tls: boolean(),
    smtp_force_implicit_tls: boolean(),
    smtp_tls_config: tlsConfig,
    slack_api_url: httpUrlSecret(),
    slack_api_url_file: secretFile(),
    slack_app_token: secret(),
    slack_app_token_file: secretFile(),
    slack_app_url: httpUrl(),
    jira_api_url: httpUrl(),
    pagerduty_url: httpUrl(),
    opsgenie_api_url: httpUrl(),
    opsgenie_api_key: secret(),
    opsgenie_api_key_file: secretFile(),
    rocketchat_api_url: httpUrl(),
    rocketchat_token: secret(),
    rocketchat_token_file: secretFile(),
    rocketchat_token_id: secret(),
    rocketchat_token_id_file: secretFile(),
    wechat_api_url: httpUrl(),
    wechat_api_secret: secret(),
    wechat_api_secret_file: secretFile(),
    wechat_api_corp_id: text(),
    victorops_api_url: httpUrl(),
    victorops_api_key: secret(),
    victorops_api_key_file: secretFile(),
    telegram_api_url: httpUrl(),
    telegram_bot_token: secret(),
    telegram_bot_token_file: secretFile(),
    webex_api_url: httpUrl(),
    mattermost_webhook_url: httpUrlSecret(),
    mattermost_webhook_url_file: secretFile(),
  }),
};

/** Where Slack takes messages of an app: with a token this very URL may stand in slack_api_url too. */
const SLACK_APP_URL = 'https://slack.com/api/chat.postMessage';

export function checkAlertmanagerGlobal(context: ReadContext, node: Node): void {
  for (const key of [
    'smtp_auth_password',
    'smtp_auth_secret',
    'slack_api_url',
    'slack_app_token',
    'opsgenie_api_key',
    'rocketchat_token',
    'rocketchat_token_id',
    'wechat_api_secret',
    'victorops_api_key',
    'telegram_bot_token',
    'mattermost_webhook_url',
  ]) {
    exclusive(node, context, [key, `${key}_file`]);
  }
  const hasToken = isSet(node, 'slack_app_token') || isSet(node, 'slack_app_token_file');
  const appUrl = textAt(node, 'slack_app_url') ?? SLACK_APP_URL;
  const other = isSet(node, 'slack_api_url') && textAt(node, 'slack_api_url') !== appUrl;
  if (hasToken && (other || isSet(node, 'slack_api_url_file'))) {
    reportAt(node, other ? 'slack_api_url' : 'slack_api_url_file', context, {
      message:
        'Cannot use slack_app_token and slack_api_url together: at most one of slack_app_token/slack_app_token_file and slack_api_url/slack_api_url_file may be set',
      conflict: true,
    });
  }
}

function textAt(node: Node, key: string): string | undefined {
  if (!isMap(node)) return undefined;
  const value = node.items.find(pair => keyText(pair.key) === key)?.value;
  return isScalar(value) && typeof value.value === 'string' ? value.value : undefined;
}

export const alertmanagerGlobal = record(alertmanagerGlobalFields, (_, context, node) =>
  checkAlertmanagerGlobal(context, node),
);

/** Keys that are inherited together: when one of `keys` is set in the receiver, none comes from `global`. */
interface Inherited {
  readonly prefix: string;
  readonly keys: readonly string[];
  /** Of them those that are not inherited where the receiver has an authorization of its own. */
  readonly tokens?: readonly string[];
}

const SINGLE = (prefix: string, ...keys: readonly string[]): readonly Inherited[] =>
  keys.map(key => ({ prefix, keys: [key] }));

/** By kind; "smtp_" + "from" is the key in `global`. */
const INHERITED: Readonly<Record<string, readonly Inherited[]>> = {
  email_configs: [
    ...SINGLE(
      'smtp_',
      'from',
      'smarthost',
      'hello',
      'auth_username',
      'auth_identity',
      'require_tls',
      'tls_config',
    ),
    ...SINGLE('smtp_', 'force_implicit_tls'),
    { prefix: 'smtp_', keys: ['auth_password', 'auth_password_file'] },
    { prefix: 'smtp_', keys: ['auth_secret', 'auth_secret_file'] },
  ],
  slack_configs: [
    {
      prefix: 'slack_',
      keys: ['api_url', 'api_url_file', 'app_token', 'app_token_file'],
      tokens: ['app_token', 'app_token_file'],
    },
    ...SINGLE('slack_', 'app_url'),
  ],
  jira_configs: SINGLE('jira_', 'api_url'),
  pagerduty_configs: SINGLE('pagerduty_', 'url'),
  opsgenie_configs: [
    ...SINGLE('opsgenie_', 'api_url'),
    { prefix: 'opsgenie_', keys: ['api_key', 'api_key_file'] },
  ],
  rocketchat_configs: [
    ...SINGLE('rocketchat_', 'api_url'),
    { prefix: 'rocketchat_', keys: ['token', 'token_file'] },
    { prefix: 'rocketchat_', keys: ['token_id', 'token_id_file'] },
  ],
  wechat_configs: [
    ...SINGLE('wechat_', 'api_url'),
    ...SINGLE('wechat_api_', 'corp_id'),
    { prefix: 'wechat_', keys: ['api_secret', 'api_secret_file'] },
  ],
  victorops_configs: [
    ...SINGLE('victorops_', 'api_url'),
    { prefix: 'victorops_', keys: ['api_key', 'api_key_file'] },
  ],
  telegram_configs: [
    ...SINGLE('telegram_', 'api_url'),
    { prefix: 'telegram_', keys: ['bot_token', 'bot_token_file'] },
  ],
  webex_configs: SINGLE('webex_', 'api_url'),
  mattermost_configs: [{ prefix: 'mattermost_', keys: ['webhook_url', 'webhook_url_file'] }],
};

/** What must be there in the end, here or in `global`; a kind's schema alone cannot tell. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  email_configs: ['to', 'from', 'smarthost'],
};

/** Mail and programs of this host do not speak HTTP. */
const WITHOUT_HTTP: ReadonlySet<string> = new Set(['email_configs', 'command_configs']);

/** The kind's schema, reading each entry as if what it takes from `global` were written in it. */
export function inheriting(
  kind: Kind<unknown>,
  global: ReadonlyMap<string, Pair<unknown, unknown>>,
): Schema<unknown> {
  const groups = [
    ...(INHERITED[kind.key] ?? []),
    ...(WITHOUT_HTTP.has(kind.key) ? [] : [{ prefix: '', keys: ['http_config'] }]),
  ];
  return {
    says: kind.schema.says,
    read(node, context) {
      const map = context.resolve(node);
      if (!isMap(map)) return kind.schema.read(node, context);
      const isAuthorized = hasAuthorization(map, context);
      const entries = groups
        .filter(group => !group.keys.some(key => isSet(map, key)))
        .flatMap(({ prefix, keys, tokens = [] }) =>
          keys.flatMap(key => {
            const from = global.get(prefix + key);
            const written = map.items.some(pair => keyText(pair.key) === key);
            const isLeftOut = isAuthorized && tokens.includes(key);
            return from === undefined || written || isLeftOut ? [] : [{ key, from }];
          }),
        );
      const whole = entries.length === 0 ? map : withInherited(map, entries);
      requireSet(whole, context, REQUIRED[kind.key] ?? []);
      return kind.schema.read(whole, context);
    },
  };
}

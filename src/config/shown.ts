// The configuration in force as one YAML text that may be shown: what the files say, without comments and without secrets.

import { isMap, isScalar, isSeq, type Node, parse, stringify } from 'yaml';
import { formatDuration } from '../base/index.ts';
import { alertmanagerGlobalFields } from './alertmanager/global.ts';
import { ownChannels } from './alertmanager/receivers/kinds.ts';
import type { GlobalConfig } from './config.ts';
import { resolverOf, type YamlDocument } from './document.ts';
import { keyText, valueNode } from './schema.ts';

/** A file that was read, and the nodes of it that hold a secret. */
export interface ReadDocument {
  readonly document: YamlDocument;
  readonly hidden: ReadonlySet<Node>;
}

const HIDDEN = '<secret>';
/** The password of a URL, wherever one stands. */
const URL_PASSWORD = /(:\/\/[^\s/:@]*):[^\s/@]*@/g;

type Plain = string | number | boolean | null | readonly Plain[] | ReadonlyMap<string, Plain>;

/** Sections of several files stand in one, as they might in one file; `global` also says the defaults in force. */
export function shownConfig(documents: readonly ReadDocument[], global: GlobalConfig): string {
  const sections = new Map<string, Plain>([['global', new Map()]]);
  for (const one of documents) {
    const root = plainOf(one);
    if (root instanceof Map) joinInto(sections, root);
  }
  joinInto(sections, new Map([['global', defaultsOf(global)]]));
  return stringify(sections, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Its sections that are Alertmanager's; tracing tells nothing of alerts, and its shape differs between versions. */
const ALERTMANAGER_SECTIONS = [
  ...['route', 'receivers', 'inhibit_rules', 'mute_time_intervals', 'time_intervals', 'templates'],
];

/**
 * Of a text that `shownConfig` made: what an alertmanager.yml would say, without keys that are ours alone, so that its
 * clients can read it. Where nothing says who is told, it is `nobody`.
 */
export function alertmanagerPart(shown: string, nobody: string): string {
  // Our own text, of mappings, lists and scalars.
  const whole: unknown = parse(shown, { mapAsMap: true });
  const sections = isPlainMap(whole) ? whole : new Map<string, Plain>();
  const part = new Map<string, Plain>();
  const global = onlyOf(sections.get('global'), new Set(Object.keys(alertmanagerGlobalFields)));
  if (global instanceof Map && global.size > 0) part.set('global', global);
  for (const key of ALERTMANAGER_SECTIONS) {
    const value = sections.get(key);
    if (value !== undefined) part.set(key, value);
  }
  part.set('route', routePart(part.get('route') ?? new Map([['receiver', nobody]])));
  const receivers = part.get('receivers') ?? [new Map([['name', nobody]])];
  const kept = new Set(['name', 'labels', ...ownChannels.map(({ key }) => key)]);
  part.set(
    'receivers',
    isList(receivers) ? receivers.map(one => withReadableUrls(onlyOf(one, kept))) : receivers,
  );
  return stringify(part, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Clients up to 0.25 take a webhook's URL for one that is no secret, and do not read on where it has no scheme. */
function withReadableUrls(receiver: Plain): Plain {
  if (!(receiver instanceof Map)) return receiver;
  const hooks = receiver.get('webhook_configs');
  if (!isList(hooks)) return receiver;
  const readable = hooks.map(hook =>
    hook instanceof Map && hook.get('url') === HIDDEN
      ? new Map([...hook, ['url', `http://${HIDDEN}`] as const])
      : hook,
  );
  return new Map([...receiver, ['webhook_configs', readable] as const]);
}

function routePart(route: Plain): Plain {
  if (!(route instanceof Map)) return route;
  const routes = route.get('routes');
  const own = [...route].filter(([key]) => key !== 'notify');
  return new Map(
    own.map(([key, value]) => [key, key === 'routes' && isList(routes) ? routes.map(routePart) : value]),
  );
}

function onlyOf(value: Plain | undefined, keys: ReadonlySet<string>): Plain {
  if (!(value instanceof Map)) return value ?? null;
  return new Map([...value].filter(([key]) => keys.has(key)));
}

function isPlainMap(value: unknown): value is ReadonlyMap<string, Plain> {
  return value instanceof Map;
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

/** What is there stays; mappings under one name become one. */
function joinInto(sections: Map<string, Plain>, more: ReadonlyMap<string, Plain>): void {
  for (const [key, value] of more) {
    const known = sections.get(key);
    if (known instanceof Map && value instanceof Map) sections.set(key, new Map([...value, ...known]));
    else if (known === undefined) sections.set(key, value);
  }
}

function defaultsOf(global: GlobalConfig): ReadonlyMap<string, Plain> {
  return new Map([
    ['scrape_interval', formatDuration(global.scrapeIntervalMs)],
    ['scrape_timeout', formatDuration(global.scrapeTimeoutMs)],
    ['evaluation_interval', formatDuration(global.evaluationIntervalMs)],
  ]);
}

/** Aliases and merged mappings are written out, within the limits of any reading. */
function plainOf({ document, hidden }: ReadDocument): Plain {
  const resolve = resolverOf(document);
  const plain = (node: Node): Plain => {
    const found = resolve(node);
    // As in Prometheus an empty secret is seen to be none.
    if (hidden.has(found)) return isScalar(found) && (found.value ?? '') === '' ? '' : HIDDEN;
    if (isSeq(found)) return found.items.map(item => plain(item as Node));
    if (isMap(found))
      return new Map(found.items.map(pair => [keyText(pair.key), plain(valueNode(pair))] as const));
    return isScalar(found) ? scalarOf(found.value) : null;
  };
  return document.root === undefined ? null : plain(document.root);
}

function scalarOf(value: unknown): Plain {
  if (typeof value === 'string') return value.replace(URL_PASSWORD, `$1:${HIDDEN}@`);
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : String(value);
}

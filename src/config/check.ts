// Checking one text without disk, network or environment: for `check config`, editors and the corpora.

import type { Diagnostic } from '../model/index.ts';
import { type AlertmanagerOptions, alertmanagerFile } from './alertmanager/file.ts';
import type { MatcherGrammar } from './alertmanager/matchers.ts';
import { ownChannels } from './alertmanager/receivers/kinds.ts';
import { finishRoute, type RouteConfig } from './alertmanager/route.ts';
import { parseDocument, readDocument, topLevelKeys } from './document.ts';
import { ownDiscoveryKinds } from './prometheus/discovery/kinds.ts';
import { prometheusFile } from './prometheus/file.ts';
import { mergeKinds, type Registries } from './registry.ts';
import type { LabelNames } from './shared/checks.ts';
import { watchkeeperFile } from './watchkeeper/file.ts';
import { webFile } from './watchkeeper/web-file.ts';

export type FileKind = 'watchkeeper' | 'prometheus' | 'alertmanager';

export interface CheckOptions {
  readonly registries?: Registries;
  /** Prometheus's agent mode. */
  readonly agent?: boolean;
  /** Whether a web configuration file is named beside a watchkeeper.yml. */
  readonly webFile?: boolean;
  /** Alertmanager's feature flags: `fallback` is its default. */
  readonly matcherGrammar?: MatcherGrammar;
  readonly labelNames?: LabelNames;
}

/** Everything wrong with a text, in its order. */
export function checkText(
  kind: FileKind,
  source: { readonly text: string; readonly file: string },
  options: CheckOptions = {},
): readonly Diagnostic[] {
  const document = parseDocument(source.text, source.file);
  const schemas = fileSchemas(options);
  switch (kind) {
    case 'prometheus':
      return readDocument(document, schemas.prometheus()).diagnostics;
    case 'alertmanager':
      return readDocument(document, schemas.alertmanager()).diagnostics;
    case 'watchkeeper':
      return readDocument(document, schemas.watchkeeper()).diagnostics;
  }
}

export interface ReadRoute {
  /** Absent where something is wrong, or where a watchkeeper.yml has no route. */
  readonly route?: RouteConfig;
  readonly diagnostics: readonly Diagnostic[];
}

/** The routing tree of a text, with what its routes inherit. Other files, secrets among them, are not looked at. */
export function readRoute(
  kind: 'watchkeeper' | 'alertmanager',
  source: { readonly text: string; readonly file: string },
  options: CheckOptions = {},
): ReadRoute {
  const document = parseDocument(source.text, source.file);
  const schemas = fileSchemas(options);
  const { value, diagnostics } =
    kind === 'alertmanager'
      ? readDocument(document, schemas.alertmanager())
      : readDocument(document, schemas.watchkeeper());
  const isWrong = diagnostics.some(one => one.severity === 'error');
  const raw = value?.route;
  return { ...(raw === undefined || isWrong ? {} : { route: finishRoute(raw) }), diagnostics };
}

/** The same of Prometheus's web configuration file. */
export function checkWebText(source: {
  readonly text: string;
  readonly file: string;
}): readonly Diagnostic[] {
  return readDocument(parseDocument(source.text, source.file), webFile).diagnostics;
}

/** The schemas of the three files, with the registries' kinds in their places. */
export function fileSchemas(options: CheckOptions) {
  const discovery = mergeKinds(ownDiscoveryKinds, options.registries?.discovery);
  const alertmanager = (withNotify: boolean): AlertmanagerOptions => ({
    kinds: mergeKinds(ownChannels, options.registries?.channels),
    grammar: options.matcherGrammar ?? 'fallback',
    labelNames: options.labelNames ?? 'utf8',
    withNotify,
  });
  return {
    discovery,
    prometheus: () => prometheusFile({ kinds: discovery, agent: options.agent ?? false }),
    alertmanager: () => alertmanagerFile(alertmanager(false)),
    watchkeeper: () =>
      watchkeeperFile({
        discovery,
        alertmanager: alertmanager(true),
        playbook: options.registries?.playbook,
        webFile: options.webFile ?? false,
      }),
  };
}

const PROMETHEUS_KEYS: ReadonlySet<string> = new Set([
  'scrape_configs',
  'scrape_config_files',
  'rule_files',
  'alerting',
  'remote_write',
  'remote_read',
  'otlp',
  'runtime',
]);
const ALERTMANAGER_KEYS: ReadonlySet<string> = new Set([
  'route',
  'receivers',
  'inhibit_rules',
  'time_intervals',
  'mute_time_intervals',
  'templates',
]);
const OWN_KEYS: ReadonlySet<string> = new Set([
  'host',
  'web',
  'state',
  'recovery',
  'journal',
  'no_data_default',
]);

/** Which file a text is, by the keys at its top. Keys of both, or of ours, make it a watchkeeper.yml. */
export function detectKind(text: string): FileKind {
  const keys = topLevelKeys(parseDocument(text, ''));
  const has = (set: ReadonlySet<string>): boolean => keys.some(key => set.has(key));
  if (has(OWN_KEYS)) return 'watchkeeper';
  if (has(PROMETHEUS_KEYS)) return has(ALERTMANAGER_KEYS) ? 'watchkeeper' : 'prometheus';
  return has(ALERTMANAGER_KEYS) ? 'alertmanager' : 'watchkeeper';
}

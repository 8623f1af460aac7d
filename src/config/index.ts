// config/: YAML documents with positions, schema combinators, diagnostics, and the files' top level.

export type { InhibitRuleConfig } from './alertmanager/inhibit.ts';
export { type MatcherGrammar, matchers, parseMatchers } from './alertmanager/matchers.ts';
export { checkEmailHeaders } from './alertmanager/receivers/email.ts';
export { checkSlackAccess } from './alertmanager/receivers/slack.ts';
export type { ChannelSettings, ReceiverConfig } from './alertmanager/receivers.ts';
export type { RouteConfig } from './alertmanager/route.ts';
export {
  type NamedTimeInterval,
  type NumberRange,
  type TimeIntervalSpec,
  timeIntervalSpec,
} from './alertmanager/time-intervals.ts';
export {
  type CheckOptions,
  checkText,
  checkWebText,
  detectKind,
  type FileKind,
  type ReadRoute,
  readRoute,
} from './check.ts';
export type { Config, GlobalConfig, NamedText } from './config.ts';
export {
  type PlacedText,
  parseDocument,
  type ReadOptions,
  type ReadOutcome,
  readDocument,
  topLevelKeys,
  type YamlDocument,
} from './document.ts';
export { glob, resolveFrom } from './glob.ts';
export { checkWebFile, type LoadedFile, type LoadOptions, type LoadOutcome, loadConfig } from './load.ts';
export { nearest } from './nearest.ts';
export type { AlertingConfig, AlertmanagerSet } from './prometheus/alerting.ts';
export { type DnsDiscovery, dnsDiscoverySchema } from './prometheus/discovery/dns.ts';
export { type FileDiscovery, fileDiscoverySchema } from './prometheus/discovery/file.ts';
export { type HttpDiscovery, httpDiscoverySchema } from './prometheus/discovery/http.ts';
export { targetGroup } from './prometheus/discovery/static.ts';
export type { EscapingScheme, ScrapeProtocol } from './prometheus/global.ts';
export type { RemoteWriteConfig } from './prometheus/remote-write.ts';
export type { DiscoverySettings, ScrapeJob } from './prometheus/scrape.ts';
export { type Kind, mergeKinds, type Registries } from './registry.ts';
export {
  allNotCarriedOut,
  anything,
  bad,
  boolean,
  duration,
  type Field,
  type Fields,
  type FileContents,
  filePath,
  fileText,
  hasKey,
  hidden,
  INVALID,
  type Invalid,
  integer,
  keyNode,
  keyText,
  lazy,
  list,
  mapOf,
  mapped,
  notCarriedOut,
  nullable,
  number,
  optional,
  optionals,
  type ReadContext,
  type RecordOf,
  record,
  required,
  type Schema,
  type Secret,
  sameSettings,
  secret,
  secretFile,
  secretOf,
  settingsKey,
  size,
  type TextOptions,
  text,
  withDefault,
} from './schema.ts';
export { exclusive, httpUrl, httpUrlSecret, requireOneOf, requireSet } from './shared/checks.ts';
export {
  checkHttpClient,
  type HttpClientFields,
  type HttpClientSettings,
  httpClientFields,
  httpClientOf,
  httpConfig,
  type Oauth2Settings,
  type ProxySettings,
  type TlsSettings,
  type TlsVersion,
  tlsConfig,
  tlsSettingsOf,
} from './shared/http.ts';
export {
  headersOf,
  oauth2Of,
  type RequestParts,
  requestPartsOf,
  tlsOf,
  transportOf,
} from './shared/http-request.ts';
export { type RelabelRule, relabelRule, relabelRules } from './shared/relabel.ts';
export { alertmanagerPart } from './shown.ts';
export { forGracePeriodMs } from './watchkeeper/rules.ts';
export {
  type HostConfig,
  isGuarded,
  type JournalConfig,
  type NoDataDefault,
  provesClients,
  type QueryConfig,
  type RateLimit,
  type StorageConfig,
  type WebConfig,
  type WebRole,
  type WebToken,
  type WebUser,
} from './watchkeeper/sections.ts';

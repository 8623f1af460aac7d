// api/: the HTTP API and the page's files.

export { createAccess, hashPassword, hashToken, isLoopbackHost } from './access.ts';
export {
  ALERTMANAGER_PREFIX,
  type AlertReceiverJson,
  type GettableAlertJson,
  type GettableSilenceJson,
  type PostableSilenceJson,
  type SilenceMatcherJson,
} from './alertmanager/contract.ts';
export type { AlertmanagerDeps } from './alertmanager/deps.ts';
export { matcherJson, matcherOf } from './alertmanager/matcher-json.ts';
export type {
  BlockJson,
  BuildInfo,
  Failure,
  HistogramJson,
  HistogramPoint,
  LabelRecord,
  MatrixRow,
  OperatorJson,
  OwnAlertJson,
  Point,
  QueriesJson,
  QueryData,
  QueryPlanJson,
  ReceiverJson,
  RemoteWriteJson,
  RuleGroupJson,
  RuleJson,
  RulesData,
  RunJson,
  SnapshotJson,
  StatusJson,
  Success,
  TargetsData,
  TimelineEventJson,
  VectorRow,
} from './contract.ts';
export type {
  CauseCode,
  CauseJson,
  ConditionJson,
  DeliveriesJson,
  DeliveryJson,
  ExplainJson,
  GroupJson,
  RouteStepJson,
} from './contract-explain.ts';
export type {
  AccessSettings,
  AdminError,
  ApiDeps,
  ReloadOutcome,
  RuleGroupView,
  RuleView,
  StorageAdmin,
  Suppression,
} from './deps.ts';
export { CAUSE_WORDS, causeText, timeText } from './explain/index.ts';
export { createApi } from './handler.ts';
export { plainSelector } from './selectors.ts';

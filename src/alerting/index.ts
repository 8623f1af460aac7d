// alerting/: from alert updates to messages and recovery jobs. See README.md.

export { type DecideInput, type Decision, decideNotification, type NotifyReason } from './decide.ts';
export { decideHold, describeRun, type HoldQuestion, type HoldVerdict } from './hold.ts';
export {
  buildRoute,
  explainRoute,
  groupKeyOf,
  groupLabelsOf,
  matchRoutes,
  type NotifyWhen,
  type Route,
  type RouteExplanation,
  type RouteSpec,
  type RouteStep,
  receiversOf,
} from './route.ts';
export { createDispatcher, type Dispatcher, type DispatcherOptions } from './runner.ts';
export {
  type Destination,
  type DispatchConfig,
  type DispatchEffect,
  type DispatchInput,
  type DispatchState,
  HOLD_MS_DEFAULT,
} from './state.ts';
export type { AlertStatus, DestinationStatus, GroupStatus } from './status.ts';
export { dispatchStep, nextDueMs } from './step.ts';
export { logKeptMs } from './told.ts';

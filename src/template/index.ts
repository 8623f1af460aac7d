// template/: Go's text/template over plain data, with Prometheus's and Alertmanager's functions.

export { type AlertmanagerFunctionOptions, alertmanagerFunctions } from './alertmanager.ts';
export type { Definition, Template, TemplateError } from './ast.ts';
export { escapeHtml, queryEscape } from './builtins.ts';
export { type TemplateCall, templateCalls } from './calls.ts';
export { goStruct, kv, type NotificationAlert, type NotificationData, notificationData } from './data.ts';
export {
  type AskQuery,
  type ExpandOptions,
  expandTemplate,
  expandWithQueries,
  type ParseTemplateOptions,
  parseTemplate,
  parseTemplateFiles,
  runTemplate,
} from './expand.ts';
export { formatG } from './floats.ts';
export { toJson } from './json.ts';
export { TEMPLATE_LIMITS, type TemplateLimits } from './limits.ts';
export {
  type PrometheusFunctionOptions,
  prometheusFunctions,
  type TemplateSample,
} from './prometheus.ts';
export { goDuration, goTime, goTimeFromMs, isTimeZone } from './time.ts';
export {
  type FunctionTable,
  type ParamKind,
  type TemplateFunction,
  TRAITS,
  type Traits,
  traitsOf,
  type Value,
  type ValueObject,
  withTraits,
} from './values.ts';

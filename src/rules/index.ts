// rules/: recording and alerting rules from file to alert, the stock rules, and rule unit tests.

export { type AbsenceFacts, judgeAbsence, SETTLE_MS } from './absence.ts';
export type { ActiveAlert, AlertChange, AlertMap, Candidate } from './alert-state.ts';
export { GroupEvaluator, type GroupOutcome, type GroupPorts, type GroupSettings } from './group.ts';
export type { RuleGroupStatus, RuleHealth, RuleStatus } from './health.ts';
export { HEARTBEAT_RULES_FILE, heartbeatRules } from './heartbeat.ts';
export { type ReadRulesOptions, type ReadRulesOutcome, readRules } from './reader.ts';
export { restoreAlerts } from './restore.ts';
export type { AlertingRule, NoData, RecordingRule, Rule, RuleFile, RuleGroup } from './rule.ts';
export { createRuleRunner, type RulePorts, RuleRunner, type RuleSettings } from './runner.ts';
export { alignedTimeMs, groupOffsetMs } from './schedule.ts';
export { RESOLVED_RETENTION_MS, type StepInput, stepAlerts } from './step.ts';
export { STOCK_RULES, STOCK_RULES_FILE } from './stock.ts';
export { MemoryStore } from './testing/memory-store.ts';
export type { TestItem } from './testing/results.ts';
export {
  type RuleFileText,
  type RuleTestFailure,
  type RuleTestOptions,
  type RuleTestReport,
  runRuleTests,
} from './testing/run-tests.ts';

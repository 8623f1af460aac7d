// recovery/: acts to restore service, verifies that it worked, hands over to people when it did not.

export type { Action, ActionOutcome } from './action.ts';
export { commandKind } from './actions/command.ts';
export { type ActionKind, type Guard, type Playbook, type PlaybookStep, playbookSchema } from './playbook.ts';
export {
  createRecovery,
  type Recovery,
  type RecoveryPorts,
  type RecoverySettings,
  type RecoverySinks,
} from './runner.ts';
export { reportOf } from './transitions.ts';

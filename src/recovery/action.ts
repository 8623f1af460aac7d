// What an action is: something done to the world in answer to an alert. One file a kind in actions/.

import type { Clock, Exec } from '../base/index.ts';
import type { Alert } from '../model/index.ts';

export interface ActionPorts {
  readonly exec: Exec;
  readonly clock: Clock;
}

export interface ActionOutcome {
  readonly kind: 'ok' | 'failed' | 'timed_out';
  /** "exit code 0", "exit code 1", "killed by SIGKILL". */
  readonly detail: string;
  /** Bounded and redacted. */
  readonly output: string;
}

export interface Action {
  /** For the journal and the shadow mode: what would be done, without secrets. */
  readonly says: string;
  /** Never throws. Ends soon after the signal aborts. */
  run(alert: Alert, ports: ActionPorts, signal: AbortSignal): Promise<ActionOutcome>;
}

// What a format of "storage export" gets and gives back.

import type { TimeRange } from '../model/index.ts';
import type { Store } from '../storage/index.ts';
import type { CommandContext, ParsedArgs } from './command.ts';
import type { AskedSamples } from './history.ts';

export interface Exporting {
  readonly context: CommandContext;
  readonly args: ParsedArgs;
  readonly store: Store;
  /** What the option of the format names, as a path. */
  readonly target: string;
  readonly selection: AskedSamples;
  /** Of the samples that there are and that were asked for, both ends included. */
  readonly range: TimeRange;
}

export interface ExportTold {
  readonly text: string;
  readonly json: unknown;
  /** Whether something was left out. */
  readonly isPart: boolean;
}

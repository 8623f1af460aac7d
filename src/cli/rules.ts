// watchkeeper rules: what is done with rule files beside checking and testing them. One file a subcommand.

import { rulesBackfill } from './rules-backfill.ts';
import { commandGroup } from './subcommand.ts';

export const rulesCommand = commandGroup({
  name: 'rules',
  says: 'record the history of rules',
  subcommands: [rulesBackfill],
});

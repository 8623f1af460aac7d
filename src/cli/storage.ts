// watchkeeper storage: looks after what is stored. One file a subcommand.

import { storageExport } from './storage-export.ts';
import { commandGroup } from './subcommand.ts';

export const storageCommand = commandGroup({
  name: 'storage',
  says: 'verify, measure, back up and move what is stored',
  subcommands: [storageExport],
});

// watchkeeper storage: looks after what is stored. One file a subcommand.

import { storageExport } from './storage-export.ts';
import { storageRestore } from './storage-restore.ts';
import { storageSnapshot } from './storage-snapshot.ts';
import { storageStats } from './storage-stats.ts';
import { storageVerify } from './storage-verify.ts';
import { commandGroup } from './subcommand.ts';

export const storageCommand = commandGroup({
  name: 'storage',
  says: 'verify, measure, back up and move what is stored',
  subcommands: [storageVerify, storageStats, storageSnapshot, storageRestore, storageExport],
});

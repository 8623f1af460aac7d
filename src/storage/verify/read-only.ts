// A disk that nothing can be changed on: for looking at the files of a program that runs.

import { type Disk, type DiskError, err, type Result } from '../../base/index.ts';

export function readOnly(disk: Disk): Disk {
  return {
    open: async (path, mode) => (mode === 'read' ? disk.open(path, mode) : denied('open', path)),
    readFile: path => disk.readFile(path),
    list: path => disk.list(path),
    stat: path => disk.stat(path),
    readLink: path => disk.readLink(path),
    space: path => disk.space(path),
    makeFolder: async path => denied('makeFolder', path),
    rename: async from => denied('rename', from),
    remove: async path => denied('remove', path),
    syncFolder: async path => denied('syncFolder', path),
    lock: async path => denied('lock', path),
  };
}

function denied(op: string, path: string): Result<never, DiskError> {
  return err({ code: 'disk-denied', op, path, message: 'it is only looked at' });
}

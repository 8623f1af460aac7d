// watchkeeper storage restore: a snapshot becomes a data folder, here or on another machine.

import { restoreSnapshot } from '../app/index.ts';
import { resolveFrom } from '../config/index.ts';
import { readArgs } from './command.ts';
import { byteText, counted } from './render/index.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';

export const storageRestore: Subcommand = {
  name: 'storage restore',
  says: 'make a data folder of a snapshot',
  usage: `usage: watchkeeper storage restore SNAPSHOT [--data DIR] [--json]

  SNAPSHOT    the folder of a snapshot
  --data DIR  the data folder to be made: it must not exist, or be empty (default: data)
  --json      one JSON object: folder, time of the snapshot, version of the program, files, bytes

Versions and all checksums are looked at before anything is copied. The data folder is there whole or not at all, whatever
happens meanwhile; the snapshot stays as it is.
`,
  async run(context) {
    const args = readArgs(context.args, { data: { type: 'string' }, json: { type: 'boolean' } });
    if (!args.ok) return wrongUsage(context, storageRestore, args.error);
    const [snapshot, ...more] = args.value.words;
    if (snapshot === undefined)
      return wrongUsage(context, storageRestore, 'which snapshot? its folder is needed');
    if (more.length > 0) return wrongUsage(context, storageRestore, `"${more[0]}" is too much`);
    const here = (path: string): string => resolveFrom(`${context.cwd}/.`, path).replace(/(?<=.)\/+$/, '');
    const to = here(args.value.text('data') ?? 'data');
    const restored = await restoreSnapshot(context.disk, { from: here(snapshot), to });
    if (!restored.ok) {
      context.warn(`${restored.error.code}: ${restored.error.message}\n`);
      return 1;
    }
    const { takenAtMs, program, files } = restored.value;
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const takenAt = new Date(takenAtMs).toISOString();
    context.out(
      args.value.flag('json')
        ? `${JSON.stringify({ folder: to, takenAt, program, files: files.length, bytes })}\n`
        : `restored to "${to}": ${counted(files.length, 'file')}, ${byteText(bytes)}, as of ${takenAt}\n` +
            `start it with: watchkeeper run --data ${to}\n` +
            `the configuration of then, without its secrets, is in ${to}/config.yml\n`,
    );
    return 0;
  },
};

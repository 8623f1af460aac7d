// watchkeeper storage snapshot: a running Watchkeeper copies everything it has stored.

import type { SnapshotJson } from '../api/index.ts';
import { askServer, CLIENT_OPTIONS } from './client.ts';
import { readArgs } from './command.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';

/** All of the head is put into blocks, and all blocks are copied: years of data take a while. */
const TIMEOUT_MS = 4 * 3_600_000;

export const storageSnapshot: Subcommand = {
  name: 'storage snapshot',
  says: 'copy everything that a running Watchkeeper has stored',
  usage: `usage: watchkeeper storage snapshot [--skip-head] [options]

  --skip-head  leave out the samples that are in no block yet: those of the last hours
  --json       the API's answer: name and folder
  --url URL    whom to ask (default: http://127.0.0.1:9390, or WATCHKEEPER_URL)
  --token T    as whom to ask (or WATCHKEEPER_TOKEN)
  --user NAME  as whom to ask, with the password in WATCHKEEPER_PASSWORD
  --ca-file F  certificates that the server's is checked against, in place of the public ones

Prints the snapshot's folder, which lies in snapshots/ of the data folder: samples, state database (journal, silences, what was
told to whom) and the configuration without its secrets, as of one moment, with a manifest of their checksums. The program goes
on meanwhile. It needs web.admin_api: true. "watchkeeper storage restore" makes a data folder of it, here or elsewhere.
`,
  async run(context) {
    const args = readArgs(context.args, {
      'skip-head': { type: 'boolean' },
      ...CLIENT_OPTIONS,
      json: { type: 'boolean' },
    });
    if (!args.ok) return wrongUsage(context, storageSnapshot, args.error);
    const [word] = args.value.words;
    if (word !== undefined) return wrongUsage(context, storageSnapshot, `"${word}" is too much`);
    const answer = await askServer<Pick<SnapshotJson, 'name'> & Partial<SnapshotJson>>(context, args.value, {
      method: 'POST',
      path: '/api/v1/admin/tsdb/snapshot',
      params: args.value.flag('skip-head') ? { skip_head: 'true' } : {},
      timeoutMs: TIMEOUT_MS,
    });
    if (!answer.ok) {
      context.warn(`Cannot take a snapshot: ${answer.error}\n`);
      return 1;
    }
    const { data } = answer.value;
    // Of an earlier version, or a Prometheus: neither says where.
    const where = data.folder ?? `snapshots/${data.name}`;
    context.out(args.value.flag('json') ? `${JSON.stringify(data)}\n` : `${where}\n`);
    return 0;
  },
};

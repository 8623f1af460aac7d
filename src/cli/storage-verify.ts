// watchkeeper storage verify: is everything that is stored sound, and what can be saved where it is not.

import { copyFile, type DiskError, type Result } from '../base/index.ts';
import { resolveFrom } from '../config/index.ts';
import {
  type LostRows,
  reindexStateFile,
  type StateProblem,
  salvageStateFile,
  verifyStateFile,
} from '../state/index.ts';
import { type Finding, type Repair, type VerifyReport, verifyStore } from '../storage/index.ts';
import { type CommandContext, type ExitCode, readArgs } from './command.ts';
import { verifyText } from './render/index.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';

const STATE_FILE = 'state.db';

export const storageVerify: Subcommand = {
  name: 'storage verify',
  says: 'look whether all that is stored is sound, and repair it',
  usage: `usage: watchkeeper storage verify [DATA_DIR] [--repair] [--json]

  DATA_DIR    the data folder, or a store or snapshot by itself (default: data)
  --repair    save what can be saved of what is damaged, and keep the damaged files beside it with ".bad"
  --json      one JSON object: findings, repairs, what remains, and counts

Every checksum, record and sample of blocks, chunk files, log, annex and state database is looked at, and each index
against its data. Beside a running Watchkeeper it changes nothing and passes over what is being written; --repair needs
the program stopped. Exit code 1: something is damaged, or a repair lost something.
`,
  async run(context) {
    const args = readArgs(context.args, { repair: { type: 'boolean' }, json: { type: 'boolean' } });
    if (!args.ok) return wrongUsage(context, storageVerify, args.error);
    const [named = 'data', ...more] = args.value.words;
    if (more.length > 0) return wrongUsage(context, storageVerify, `"${more[0]}" is too much`);
    const folders = await foldersIn(context, resolveFrom(`${context.cwd}/.`, named));
    const repair = args.value.flag('repair');
    const { disk, clock } = context;
    const onPart = (path: string): void => {
      if (context.isTerminal && !args.value.flag('json')) context.warn(`\r\u001b[2K${path} …`);
    };
    const verified = await verifyStore({ disk, clock, folder: folders.store, repair, onPart });
    if (context.isTerminal && !args.value.flag('json')) context.warn('\r\u001b[2K');
    if (!verified.ok) {
      context.warn(`${verified.error.message}\n`);
      return 1;
    }
    const state = await verifyState(context, folders.state, repair);
    const report = withState(verified.value, state);
    context.out(args.value.flag('json') ? `${JSON.stringify(report)}\n` : verifyText(report, folders.store));
    return exitCodeOf(report);
  },
};

interface Folders {
  readonly store: string;
  /** Undefined where there is none. */
  readonly state: string | undefined;
}

/** A store may lie by itself: that of a snapshot of an earlier version does. */
async function foldersIn({ disk }: CommandContext, folder: string): Promise<Folders> {
  const inside = await disk.stat(`${folder}/store`);
  const state = await disk.stat(`${folder}/${STATE_FILE}`);
  return {
    store: inside.ok ? `${folder}/store` : folder,
    state: state.ok ? `${folder}/${STATE_FILE}` : undefined,
  };
}

interface StateReport {
  readonly findings: readonly Finding[];
  readonly repairs: readonly Repair[];
  readonly remaining: readonly Finding[];
}

const FINE: StateReport = { findings: [], repairs: [], remaining: [] };

async function verifyState(
  { disk }: CommandContext,
  path: string | undefined,
  repair: boolean,
): Promise<StateReport> {
  if (path === undefined) return FINE;
  const problems = verifyStateFile(path);
  const findings = findingsOf(path, problems);
  const isCurable = problems.length > 0 && problems.every(({ code }) => code === 'state-damaged');
  if (!repair || !isCurable) return { ...FINE, findings };
  if (reindexStateFile(path))
    return {
      findings,
      repairs: [{ file: path, done: 'its indices are made anew', lost: '' }],
      remaining: [],
    };
  const saved = await salvageState(disk, path);
  const remaining = findingsOf(path, verifyStateFile(path));
  return { findings, repairs: [saved], remaining };
}

/** The saved copy takes the file's place by a rename, once a copy of the damaged one stands beside it. */
async function salvageState(disk: CommandContext['disk'], path: string): Promise<Repair> {
  const passing = `${path}.new`;
  const aside = `${path}.bad`;
  for (const end of ['', '-wal', '-shm', '-journal']) await disk.remove(`${passing}${end}`);
  const saved = salvageStateFile(path, passing);
  if (!saved.ok) return { file: path, done: 'nothing could be done', lost: saved.error.message };
  const steps: readonly (() => Promise<Result<unknown, DiskError>>)[] = [
    () => syncFile(disk, passing),
    () => disk.remove(aside),
    () => copyFile(disk, { from: path, to: aside }),
    // What is left in its log belongs to the damaged file.
    () => disk.rename(`${path}-wal`, `${aside}-wal`),
    () => disk.remove(`${path}-shm`),
    () => disk.rename(passing, path),
    () => disk.syncFolder(path.slice(0, path.lastIndexOf('/'))),
  ];
  for (const step of steps) {
    const done = await step();
    if (!done.ok && done.error.code !== 'disk-not-found')
      return { file: path, done: 'nothing could be done', lost: `${done.error.op}: ${done.error.message}` };
  }
  return {
    file: path,
    done: `written anew; the original is kept as "${aside}"`,
    lost: lostRowsText(saved.value),
  };
}

async function syncFile(disk: CommandContext['disk'], path: string): Promise<Result<void, DiskError>> {
  const opened = await disk.open(path, 'update');
  if (!opened.ok) return opened;
  const synced = await opened.value.sync();
  await opened.value.close();
  return synced;
}

function lostRowsText(lost: LostRows): string {
  return [...lost].map(([table, why]) => `of table "${table}" ${why}`).join('; ');
}

function findingsOf(path: string, problems: readonly StateProblem[]): readonly Finding[] {
  return problems.map(({ code, message }) => ({
    code,
    severity: 'error',
    file: path,
    offset: 0,
    message,
    remedy:
      code === 'state-damaged'
        ? '--repair writes it anew with all rows that can be read'
        : code === 'state-newer'
          ? 'use the program that wrote it'
          : 'look at the disk and at who may read the file',
  }));
}

function withState(report: VerifyReport, state: StateReport): VerifyReport {
  return {
    ...report,
    findings: [...report.findings, ...state.findings],
    repairs: [...report.repairs, ...state.repairs],
    remaining: [...report.remaining, ...state.remaining],
  };
}

/** Found and all of it repaired, with nothing lost, is fine. */
function exitCodeOf({ findings, repairs, remaining }: VerifyReport): ExitCode {
  const isBad = (list: readonly Finding[]): boolean => list.some(({ severity }) => severity === 'error');
  if (repairs.length === 0) return isBad(findings) ? 1 : 0;
  return isBad(remaining) || repairs.some(({ lost }) => lost !== '') ? 1 : 0;
}

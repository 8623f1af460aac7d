// watchkeeper storage stats: what takes the room, what is new, and when it will be full.

import { REGISTRIES, storeRetention } from '../app/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import { loadConfig, resolveFrom } from '../config/index.ts';
import { formatDiagnostic } from '../model/index.ts';
import { forecastOf, statsOfFolder } from '../storage/index.ts';
import { type CommandContext, type ParsedArgs, readArgs } from './command.ts';
import { definedOnly } from './ports.ts';
import { type StatsOrder, type StatsReport, statsText } from './render/index.ts';
import { type Subcommand, wrongUsage } from './subcommand.ts';
import { terminalOf } from './terminal.ts';

const ORDERS = ['bytes', 'series', 'samples'] as const satisfies readonly StatsOrder[];
const TOP = 10;

export const storageStats: Subcommand = {
  name: 'storage stats',
  says: 'what takes the room, what is new, and when it will be full',
  usage: `usage: watchkeeper storage stats [DATA_DIR] [--by bytes|series|samples] [--top N] [--config F] [--json]

  DATA_DIR    the data folder, or a store or snapshot by itself (default: data)
  --by WHAT   which metrics come first: those with the most bytes, series or samples (default: bytes)
  --top N     so many metrics and labels (default: ${TOP}; 0 is all)
  --config F  the configuration with the limits (default: watchkeeper.yml here, if it exists)
  --json      one JSON object with all of it

Reads the files, beside a running Watchkeeper or without one: blocks and head with their series, samples, bytes and new series an
hour; metrics and labels by what they take; growth, and days until the retention, its size or the disk is reached.
`,
  async run(context) {
    const args = readArgs(context.args, {
      by: { type: 'string' },
      top: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean' },
    });
    if (!args.ok) return wrongUsage(context, storageStats, args.error);
    const asked = readAsked(args.value);
    if (!asked.ok) return wrongUsage(context, storageStats, asked.error);
    const report = await reportOf(context, args.value, asked.value);
    if (!report.ok) {
      context.warn(`${report.error}\n`);
      return 1;
    }
    context.out(
      args.value.flag('json')
        ? `${JSON.stringify(report.value)}\n`
        : statsText(report.value, { ...terminalOf(context), by: asked.value.by }),
    );
    return 0;
  },
};

interface Asked {
  readonly folder: string;
  readonly by: StatsOrder;
  readonly top: number;
}

function readAsked(args: ParsedArgs): Result<Asked, string> {
  const [folder = 'data', ...more] = args.words;
  if (more.length > 0) return err(`"${more[0]}" is too much`);
  const given = args.text('by') ?? 'bytes';
  const by = ORDERS.find(one => one === given);
  if (by === undefined) return err(`--by is one of ${ORDERS.join(', ')}, not "${given}"`);
  const top = args.text('top') ?? String(TOP);
  if (!/^\d{1,9}$/.test(top)) return err(`--top is a whole number, not "${top}"`);
  return ok({ folder, by, top: Number(top) === 0 ? Infinity : Number(top) });
}

async function reportOf(
  context: CommandContext,
  args: ParsedArgs,
  { folder: named, by, top }: Asked,
): Promise<Result<StatsReport, string>> {
  const { disk, clock } = context;
  const folder = resolveFrom(`${context.cwd}/.`, named);
  const inside = await disk.stat(`${folder}/store`);
  const limits = await limitsOf(context, args.text('config'));
  if (!limits.ok) return limits;
  const stats = await statsOfFolder({ disk, clock, folder: inside.ok ? `${folder}/store` : folder });
  if (!stats.ok) return err(stats.error.message);
  const space = await disk.space(folder);
  const freeBytes = space.ok ? space.value.availableBytes : undefined;
  const { metrics, labels, policies, ...rest } = stats.value;
  const { kept, ...bounds } = limits.value;
  const saved = new Map(policies.map(one => [one.match, one]));
  const nothing = { samples: 0, bytes: 0 };
  return ok({
    ...rest,
    metrics: [...metrics].sort((a, b) => b[by] - a[by] || (a.metric < b.metric ? -1 : 1)).slice(0, top),
    metricCount: metrics.length,
    labels: [...labels].sort((a, b) => b.values - a.values || (a.label < b.label ? -1 : 1)).slice(0, top),
    labelCount: labels.length,
    policies: kept.map(({ match, keepMs }) => ({
      match,
      keepMs,
      saved: saved.get(match) ?? { match, ...nothing },
    })),
    limits: { ...bounds, freeBytes: freeBytes ?? null },
    forecast: forecastOf(stats.value, { ...bounds, freeBytes }) ?? null,
  });
}

interface Bounds {
  /** After so long the last samples of all go. */
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** What is kept shorter, or longer, than the others. */
  readonly kept: readonly { readonly match: string; readonly keepMs: number }[];
}

/** Of the configuration: defaults where there is none. */
async function limitsOf(context: CommandContext, given: string | undefined): Promise<Result<Bounds, string>> {
  const { disk, env, cwd } = context;
  const here = `${cwd}/watchkeeper.yml`;
  const isHere = given === undefined && (await disk.stat(here)).ok;
  const path = given === undefined ? (isHere ? here : undefined) : resolveFrom(`${cwd}/.`, given);
  const paths = path === undefined ? {} : { watchkeeper: path };
  const loaded = await loadConfig({ disk, env: definedOnly(env), paths, registries: REGISTRIES });
  if (loaded.config === undefined) return err(loaded.diagnostics.map(formatDiagnostic).join('\n'));
  const { storage } = loaded.config;
  const { maxAgeMs: retentionMs, policies: kept } = storeRetention(storage, storage.retentionMs);
  return ok({ retentionMs, retentionBytes: storage.retentionBytes, kept });
}

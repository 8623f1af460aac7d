// watchkeeper run: the whole system, until it is told to stop.

import { REGISTRIES, type System, type SystemOptions, serve, startSystem, VERSION } from '../app/index.ts';
import { parseDuration } from '../base/index.ts';
import { loadConfig, resolveFrom } from '../config/index.ts';
import {
  type Command,
  type CommandContext,
  type ExitCode,
  type OptionSpec,
  type ParsedArgs,
  readArgs,
  usageError,
} from './command.ts';
import { readFeatures } from './features.ts';
import { definedOnly, type RealPorts, realPorts } from './ports.ts';
import { QUERY_FLAGS, readQueryFlags } from './query-flags.ts';
import { RULE_FLAGS, type RuleFlags, readRuleFlags, withRuleFlags } from './rule-flags.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** Open streams of the page get this long to end. */
const CLOSE_GRACE_MS = 2000;
/** As `storage.retention` has it. */
const RETENTION_MS_MIN = 60_000;

const OPTIONS = {
  config: { type: 'string' },
  prometheus: { type: 'string' },
  alertmanager: { type: 'string' },
  data: { type: 'string' },
  listen: { type: 'string' },
  'web.config.file': { type: 'string' },
  retention: { type: 'string' },
  'enable-feature': { type: 'string' },
  ...QUERY_FLAGS,
  ...RULE_FLAGS,
  shadow: { type: 'boolean' },
  'log-level': { type: 'string' },
  'log-format': { type: 'string' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

export const runCommand: Command = {
  name: 'run',
  says: 'monitor, alert and recover until stopped',
  help: `usage: watchkeeper run [OPTIONS]

  --config F         watchkeeper.yml (default: watchkeeper.yml here, if it exists; else the stock configuration)
  --prometheus F     an existing prometheus.yml
  --alertmanager F   an existing alertmanager.yml
  --data DIR         data folder (default: data)
  --retention AGE    how long samples are kept, such as 15d (default: storage.retention, else 15d)
  --listen ADDR      host:port of the page and the API (default: 127.0.0.1:9390, or web.listen)
  --web.config.file F
                     Prometheus's file of TLS, headers, users and rate limit of page and API (or web.config_file)
  --enable-feature L Prometheus's names, with commas: use-start-timestamps, promql-delayed-name-removal
  --query.max-samples N, --query.timeout D, --query.max-concurrency N, --query.lookback-delta D
                     as Prometheus's; they go before the section "query" of the configuration
  --rules.alert.for-outage-tolerance D, --rules.alert.for-grace-period D, --rules.alert.resend-delay D,
  --rules.max-concurrent-evals N
                     as Prometheus's; they go before the section "rules" of the configuration
  --shadow           evaluate everything, send nothing, act on nothing, and journal what would have been
  --log-level LEVEL  debug, info, warn or error (default: info)
  --log-format F     text or json (default: text)

This host is watched with the stock rules unless the configuration has rule_files or a prometheus.yml is named. SIGHUP, or POST /-/reload, reads the configuration
anew; a bad one leaves the one in force in place.
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return usageError(context, runCommand, args.error);
    if (args.value.words.length > 0)
      return usageError(context, runCommand, `"${args.value.words[0]}" is too much`);
    const level = LEVELS.find(candidate => candidate === (args.value.text('log-level') ?? 'info'));
    if (level === undefined)
      return usageError(context, runCommand, `--log-level is one of ${LEVELS.join(', ')}`);
    const listen = parseListen(args.value.text('listen'));
    if (listen === null)
      return usageError(context, runCommand, '--listen is host:port, such as 127.0.0.1:9390');
    const retention = parseRetention(args.value.text('retention'));
    if (retention === null)
      return usageError(context, runCommand, '--retention is a duration of at least a minute, such as 15d');
    const query = readQueryFlags(args.value);
    if (!query.ok) return usageError(context, runCommand, query.error);
    const rules = readRuleFlags(args.value);
    if (!rules.ok) return usageError(context, runCommand, rules.error);
    const logFormat = args.value.text('log-format') === 'json' ? 'json' : 'text';
    const ports = realPorts({ env: context.env, logFormat, logLevel: level });
    try {
      return await runSystem(context, args.value, {
        ports,
        listen,
        retentionMs: retention,
        query: query.value,
        rules: rules.value,
      });
    } finally {
      await ports.close();
    }
  },
};

interface Listen {
  readonly host: string;
  readonly port: number;
}

interface RunSettings {
  readonly ports: RealPorts;
  readonly listen: Listen | undefined;
  readonly retentionMs: number | undefined;
  readonly query: SystemOptions['query'];
  readonly rules: RuleFlags;
}

async function runSystem(
  context: CommandContext,
  args: ParsedArgs,
  { ports, listen, retentionMs, query, rules }: RunSettings,
): Promise<ExitCode> {
  const paths = await configPaths(context, args);
  // Who brings a prometheus.yml brings the rules with it, or wants none.
  const stock = paths.prometheus === undefined;
  const features = readFeatures(args.text('enable-feature') ?? '');
  for (const name of features.unknown)
    context.warn(`watchkeeper: the feature "${name}" is not known here; it is passed over\n`);
  const started = await startSystem(ports, {
    dataFolder: resolveFrom(`${context.cwd}/.`, args.text('data') ?? 'data'),
    effects: args.flag('shadow') ? 'shadow' : 'live',
    retentionMs,
    stock,
    query: { ...query, ...features.query },
    commandLine: commandLineOf(args),
    load: async () =>
      withRuleFlags(
        await loadConfig({ disk: ports.disk, env: definedOnly(context.env), paths, registries: REGISTRIES }),
        rules,
      ),
  });
  if (!started.ok) {
    context.warn(
      `watchkeeper: cannot start\n${started.error.problems.map(problem => `  ${problem}\n`).join('')}`,
    );
    return 1;
  }
  const system = started.value;
  const { web } = system.config();
  const listener = await serve(ports, system, listen ?? { host: web.listenHost, port: web.listenPort });
  if (!listener.ok) {
    context.warn(`watchkeeper: ${listener.error}\n`);
    await system.stop();
    return 1;
  }
  const { host, port } = listener.value;
  const scheme = web.tls === undefined ? 'http' : 'https';
  const address = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  context.out(greeting(system, `${address}${web.routePrefix}`));
  ports.started();
  context.onHangUp(() => void system.reload());
  const signal = await context.whenAskedToEnd();
  ports.log.log('info', 'Stopping', { signal });
  await listener.value.close(CLOSE_GRACE_MS);
  await system.stop();
  return 0;
}

/** Every option, those that were not given with "" or what stands for none. */
function commandLineOf(args: ParsedArgs): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(OPTIONS).map(([name, { type }]) => [
      name,
      type === 'boolean' ? String(args.flag(name)) : (args.text(name) ?? DEFAULTS.get(name) ?? ''),
    ]),
  );
}

const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['data', 'data'],
  ['log-level', 'info'],
  ['log-format', 'text'],
]);

function greeting(system: System, url: string): string {
  const webFile = system.config().web.configFile;
  const files = system.configFiles().filter(path => path !== webFile);
  const about = files.length === 0 ? 'stock configuration: this host and the stock rules' : files.join(', ');
  const shadow = system.effects === 'shadow' ? '  shadow   nothing is sent and nothing acts\n' : '';
  return `Watchkeeper ${VERSION} is running.\n  page     ${url}\n  config   ${about}\n${shadow}`;
}

/** The files named, or watchkeeper.yml in the working folder where there is one. */
async function configPaths(context: CommandContext, args: ParsedArgs) {
  const named = {
    watchkeeper: args.text('config'),
    prometheus: args.text('prometheus'),
    alertmanager: args.text('alertmanager'),
  };
  const webFile = args.text('web.config.file');
  // It says how to serve, not what to watch: the stock configuration stays what it is. As in Prometheus "" is none.
  const web =
    webFile === undefined || webFile === '' ? {} : { web: resolveFrom(`${context.cwd}/.`, webFile) };
  if (Object.values(named).some(path => path !== undefined)) return { ...named, ...web };
  const here = `${context.cwd}/watchkeeper.yml`;
  const found = await context.disk.stat(here);
  return { ...named, ...(found.ok ? { watchkeeper: here } : {}), ...web };
}

/** Undefined: not given. Null: not a duration, or one that would keep nothing. */
function parseRetention(text: string | undefined): number | undefined | null {
  if (text === undefined) return undefined;
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value >= RETENTION_MS_MIN ? parsed.value : null;
}

/** Undefined: not given. Null: not an address. */
function parseListen(text: string | undefined): Listen | undefined | null {
  if (text === undefined) return undefined;
  const match = /^(\[[\da-fA-F:]+\]|[^:]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? 65_536);
  if (match === null || port > 65_535) return null;
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return { host: host === '' ? '0.0.0.0' : host, port };
}

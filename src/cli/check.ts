// watchkeeper check: is a configuration or a rule file right, and if not, where and how to mend it.

import { REGISTRIES, readNamedFiles } from '../app/index.ts';
import {
  checkText,
  checkWebFile,
  checkWebText,
  detectKind,
  type FileKind,
  loadConfig,
  resolveFrom,
} from '../config/index.ts';
import { type Diagnostic, formatDiagnostic } from '../model/index.ts';
import { checkTemplateFiles } from '../notify/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { MemoryStore, readRules } from '../rules/index.ts';
import { checkMetrics } from './check-metrics.ts';
import {
  type Command,
  type CommandContext,
  type ExitCode,
  type ParsedArgs,
  readArgs,
  usageError,
} from './command.ts';
import { definedOnly } from './ports.ts';
import { checkRoutes } from './routes.ts';

export const checkCommand: Command = {
  name: 'check',
  says: 'check configuration, rules, routes, templates and metrics pages: place, cause and remedy of each problem',
  help: `usage: watchkeeper check config|rules|routes|templates|web-config|metrics FILE... [options]

  config FILE...   watchkeeper.yml, prometheus.yml or alertmanager.yml (told apart by their keys), with the rule files,
                   templates and secrets that they name
  rules FILE...    rule files in Prometheus's format
  templates FILE...
                   template files of messages, as Alertmanager's "templates" names them
  routes FILE...   shows the routing tree of an alertmanager.yml or watchkeeper.yml: who is told of what
  web-config FILE...
                   Prometheus's web configuration files, with the certificates that they name
  metrics FILE...  pages that exporters serve ("-" is standard input): the text format, or OpenMetrics strictly, and
                   remarks on names, units and help as promtool has them
  --syntax-only    do not look at other files that are named in it
  --portable       of rules: refuse our own keys (no_data), as Prometheus does
  --agent          judge a prometheus.yml as Prometheus's agent mode does: nothing that evaluates or answers
  --format F       of metrics: text or openmetrics (default: by whether the page ends with "# EOF")
  --extended       of metrics: series a family, too
  --json           one JSON object a problem, or a routing tree

Exit code 0: no errors (warnings may be printed). 1: errors, or remarks on metrics.
`,
  async run(context) {
    const args = readArgs(context.args, {
      'syntax-only': { type: 'boolean' },
      agent: { type: 'boolean' },
      portable: { type: 'boolean' },
      json: { type: 'boolean' },
      format: { type: 'string' },
      extended: { type: 'boolean' },
    });
    if (!args.ok) return usageError(context, checkCommand, args.error);
    const [what, ...files] = args.value.words;
    if (what === undefined || !isKind(what))
      return usageError(context, checkCommand, `one of "${KINDS.join('", "')}" expected`);
    if (files.length === 0) return usageError(context, checkCommand, 'a file is needed');
    for (const [name, kinds] of Object.entries(ONLY_FOR)) {
      const isGiven = args.value.flag(name) || args.value.text(name) !== undefined;
      if (isGiven && !kinds.includes(what))
        return usageError(context, checkCommand, `--${name} is for "${kinds.join('", "')}" only`);
    }
    if (what === 'metrics') return runMetrics(context, args.value, files);
    if (what === 'routes') return checkRoutes(context, files, { json: args.value.flag('json') });
    const agent = args.value.flag('agent');
    let worst: ExitCode = 0;
    for (const file of files) {
      const path = resolveFrom(`${context.cwd}/.`, file);
      const found = await judge(what, context, {
        path,
        file,
        syntaxOnly: args.value.flag('syntax-only'),
        agent,
        portable: args.value.flag('portable'),
      });
      const errors = found.filter(diagnostic => diagnostic.severity === 'error').length;
      if (errors > 0) worst = 1;
      for (const diagnostic of found)
        context.out(
          args.value.flag('json') ? `${JSON.stringify(diagnostic)}\n` : `${formatDiagnostic(diagnostic)}\n`,
        );
      if (!args.value.flag('json'))
        context.out(`${file}: ${errors === 0 ? 'fine' : counted(errors, 'error')}${warningsText(found)}\n`);
    }
    return worst;
  },
};

const KINDS = ['config', 'rules', 'routes', 'templates', 'web-config', 'metrics'] as const;

function isKind(word: string): word is (typeof KINDS)[number] {
  return KINDS.some(kind => kind === word);
}

/** Options that not every kind of file has. */
const ONLY_FOR: Readonly<Record<string, readonly string[]>> = {
  'syntax-only': ['config', 'rules', 'templates', 'web-config'],
  agent: ['config'],
  portable: ['rules'],
  format: ['metrics'],
  extended: ['metrics'],
};

async function runMetrics(
  context: CommandContext,
  args: ParsedArgs,
  files: readonly string[],
): Promise<ExitCode> {
  const format = args.text('format');
  if (format !== undefined && format !== 'text' && format !== 'openmetrics')
    return usageError(context, checkCommand, '--format is text or openmetrics');
  let worst: ExitCode = 0;
  for (const file of files) {
    const path = resolveFrom(`${context.cwd}/.`, file);
    const options = { json: args.flag('json'), extended: args.flag('extended') };
    const code = await checkMetrics(context, { file, path, format, ...options });
    if (code !== 0) worst = code;
  }
  return worst;
}

function warningsText(found: readonly Diagnostic[]): string {
  const warnings = found.filter(diagnostic => diagnostic.severity === 'warning').length;
  return warnings === 0 ? '' : `, ${counted(warnings, 'warning')}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

async function readText(context: CommandContext, path: string, file: string): Promise<string | Diagnostic> {
  const read = await context.disk.readFile(path);
  if (read.ok) return new TextDecoder().decode(read.value);
  return {
    code: 'config-io',
    severity: 'error',
    message: `Cannot read "${file}": ${read.error.message}`,
    file,
    line: 0,
    column: 0,
    path: '',
  };
}

interface Checking {
  readonly path: string;
  /** As it was named. */
  readonly file: string;
  readonly syntaxOnly: boolean;
  readonly agent: boolean;
  readonly portable: boolean;
}

function judge(
  what: Exclude<(typeof KINDS)[number], 'metrics' | 'routes'>,
  context: CommandContext,
  how: Checking,
): Promise<readonly Diagnostic[]> {
  switch (what) {
    case 'config':
      return checkConfig(context, how);
    case 'rules':
      return checkRules(context, how);
    case 'templates':
      return checkTemplates(context, how);
    case 'web-config':
      return checkWeb(context, how);
  }
}

async function checkTemplates(
  context: CommandContext,
  { path, file }: Checking,
): Promise<readonly Diagnostic[]> {
  const text = await readText(context, path, file);
  return typeof text === 'string' ? checkTemplateFiles([{ path: file, text }]) : [text];
}

async function checkWeb(
  context: CommandContext,
  { path, file, syntaxOnly }: Checking,
): Promise<readonly Diagnostic[]> {
  if (!syntaxOnly) return checkWebFile(context.disk, path);
  const text = await readText(context, path, file);
  return typeof text === 'string' ? checkWebText({ text, file }) : [text];
}

async function checkConfig(
  context: CommandContext,
  { path, ...how }: Checking,
): Promise<readonly Diagnostic[]> {
  const text = await readText(context, path, how.file);
  if (typeof text !== 'string') return [text];
  // Agent mode is Prometheus's: whatever the keys say, the file is meant as a prometheus.yml.
  const kind: FileKind = how.agent ? 'prometheus' : detectKind(text);
  const { agent } = how;
  if (how.syntaxOnly) return checkText(kind, { text, file: how.file }, { registries: REGISTRIES, agent });
  const loaded = await loadConfig({
    disk: context.disk,
    env: definedOnly(context.env),
    paths: { [kind]: path },
    registries: REGISTRIES,
    agent,
  });
  const { config } = loaded;
  if (config === undefined) return loaded.diagnostics;
  const from = { stock: false, hostname: 'localhost' };
  const rules = readNamedFiles({ ...loaded, config }, parserOnly(context), from);
  return [...loaded.diagnostics, ...rules.diagnostics];
}

async function checkRules(
  context: CommandContext,
  { path, file, portable }: Checking,
): Promise<readonly Diagnostic[]> {
  const text = await readText(context, path, file);
  if (typeof text !== 'string') return [text];
  const engine = parserOnly(context);
  const ownKeys = portable ? 'refuse' : 'accept';
  return readRules(text, { file, prepare: expr => engine.prepare(expr), ownKeys }).diagnostics;
}

/** An engine over no data: it parses and plans. */
function parserOnly(context: CommandContext) {
  return createQueryEngine({ reader: new MemoryStore(), clock: context.clock });
}

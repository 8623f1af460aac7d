// Loading: the named files, what they include, and the configuration made of them, or everything that is wrong.

import { createHash } from 'node:crypto';
import type { Disk, DiskError } from '../base/index.ts';
import type { Diagnostic } from '../model/index.ts';
import { type CheckOptions, fileSchemas } from './check.ts';
import { assembleConfig, type Config, type NamedText, type Sections } from './config.ts';
import {
  type PlacedText,
  parseDocument,
  type ReadOutcome,
  readDocument,
  topLevelKeys,
  type YamlDocument,
} from './document.ts';
import { glob, resolveFrom } from './glob.ts';
import { scrapeConfigFile } from './prometheus/file.ts';
import { finishJobs, type RawScrapeJob } from './prometheus/scrape.ts';
import type { Registries } from './registry.ts';
import { type FileContents, INVALID, type Schema, valueNodeAt } from './schema.ts';
import { type ReadDocument, shownConfig } from './shown.ts';
import type { RelayConfig } from './watchkeeper/rules.ts';
import { WEB_DEFAULTS, type WebConfig } from './watchkeeper/sections.ts';
import { webFile } from './watchkeeper/web-file.ts';
import { joinWeb, twoWebFiles } from './watchkeeper/web-join.ts';

export interface LoadOptions {
  readonly disk: Disk;
  readonly env: Readonly<Record<string, string>>;
  readonly paths: {
    readonly watchkeeper?: string | undefined;
    readonly prometheus?: string | undefined;
    readonly alertmanager?: string | undefined;
    /** Prometheus's web configuration file. */
    readonly web?: string | undefined;
  };
  readonly registries: Registries;
  readonly agent?: boolean;
}

export interface LoadedFile {
  readonly path: string;
  readonly text: string;
}

export interface LoadOutcome {
  /** Undefined when a diagnostic is an error. */
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
  /** Hash over all texts, rule files and secrets too: changes when anything that was read changes. */
  readonly version: string;
  /** The configuration as YAML without secrets; "" when a diagnostic is an error. */
  readonly shown: string;
  /** Everything that was read but the secrets: what a file watch should look at. */
  readonly files: readonly LoadedFile[];
  /** Settings that are templates. */
  readonly templateTexts: readonly PlacedText[];
}

/** A file that names a file that holds a path … : no schema nests deeper than this. */
const READ_PASSES_MAX = 4;
/** Beyond it a configuration is most likely a log file given by mistake. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export async function loadConfig(options: LoadOptions): Promise<LoadOutcome> {
  const loader = new Loader(options);
  const schemas = fileSchemas({
    registries: options.registries,
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    webFile: options.paths.web !== undefined,
  } satisfies CheckOptions);
  const { paths } = options;
  const own = await loader.read(paths.watchkeeper, schemas.watchkeeper(), true);
  const prometheus = await loader.read(paths.prometheus, schemas.prometheus(), false);
  const alertmanager = await loader.read(paths.alertmanager, schemas.alertmanager(), false);
  loader.refuseTwice(own?.document, prometheus?.document, alertmanager?.document);

  const scrape = prometheus?.value ?? own?.value;
  const scrapeFile = prometheus === undefined ? paths.watchkeeper : paths.prometheus;
  const alerts = alertmanager?.value ?? own?.value;
  const raws = [
    ...(scrape?.scrape_configs ?? []),
    ...(await loader.scrapeFiles(
      scrapeFile,
      scrape?.scrape_config_files ?? [],
      scrapeConfigFile(schemas.discovery),
    )),
  ];
  const jobs = loader.finishJobs(raws, scrape?.global);
  const ruleFiles = await loader.ruleFiles(scrapeFile, scrape?.rule_files ?? []);
  const web = await loader.web(own, paths.web);
  if ((scrape?.alerting?.alertmanagers ?? []).length > 0 && alerts?.route !== undefined)
    loader.warnOfBothTelling((prometheus ?? own)?.document, own?.value?.relay);
  const sections: Sections = {
    prometheusGlobal: scrape?.global,
    scrapeJobs: jobs,
    ruleFiles,
    namesRuleFiles: scrape?.rule_files !== undefined,
    rules: own?.value?.rules,
    alerting: scrape?.alerting,
    relay: own?.value?.relay,
    remoteWrite: scrape?.remote_write,
    resolveTimeoutMs: alerts?.global?.resolve_timeout,
    route: alerts?.route,
    receivers: alerts?.receivers,
    templateFiles: await loader.templateFiles(
      alertmanager === undefined ? paths.watchkeeper : paths.alertmanager,
      alerts?.templates ?? [],
    ),
    timeIntervals: [...(alerts?.mute_time_intervals ?? []), ...(alerts?.time_intervals ?? [])],
    inhibitRules: alerts?.inhibit_rules,
    alerts: own?.value?.alerts,
    host: own?.value?.host,
    web,
    storage: own?.value?.storage,
    query: own?.value?.query,
    exemplarsMax: prometheus?.value?.storage?.exemplars?.max_exemplars,
    journal: own?.value?.journal,
    heartbeat: own?.value?.heartbeat,
    playbooks: own?.value?.recovery?.playbooks,
    noDataDefault: own?.value?.no_data_default,
  };
  return loader.outcome(
    sections,
    [own, prometheus, alertmanager].filter(read => read !== undefined),
  );
}

/** Everything wrong with one web configuration file, and with the files that it names. */
export async function checkWebFile(disk: Disk, path: string): Promise<readonly Diagnostic[]> {
  const loader = new Loader({ disk, env: {}, paths: {}, registries: {} });
  await loader.read(path, webFile, false);
  return loader.outcome(NOTHING, []).diagnostics;
}

const NOTHING: Sections = {
  scrapeJobs: [],
  ruleFiles: [],
  namesRuleFiles: false,
  timeIntervals: [],
};

interface ReadFile<T> extends ReadDocument {
  readonly value: T | undefined;
}

/** Owns what one load gathers: the texts read, the problems found. */
class Loader {
  private readonly options: LoadOptions;
  private readonly diagnostics: Diagnostic[] = [];
  private readonly files: LoadedFile[] = [];
  private readonly secrets = new Map<string, string>();
  private readonly templateTexts: PlacedText[] = [];

  constructor(options: LoadOptions) {
    this.options = options;
  }

  async read<T>(
    path: string | undefined,
    schema: Schema<T>,
    isOurs: boolean,
  ): Promise<ReadFile<T> | undefined> {
    if (path === undefined) return undefined;
    const text = await this.text(path);
    if (!text.ok) {
      this.problem(path, `Cannot read the configuration file "${path}": ${text.message}`);
      return undefined;
    }
    this.files.push({ path, text: text.text });
    const document = parseDocument(text.text, path);
    const { value, hidden } = await this.readWithFiles(document, schema, isOurs);
    return { document, value, hidden };
  }

  /** Reads, loads the files that were asked for, and reads again, until nothing new is asked for. */
  private async readWithFiles<T>(
    document: YamlDocument,
    schema: Schema<T>,
    isOurs: boolean,
  ): Promise<ReadOutcome<T>> {
    const contents = new Map<string, ReturnType<FileContents['want']>>();
    const wanted = new Set<string>();
    const files: FileContents = {
      want: path => {
        wanted.add(path);
        return contents.get(path);
      },
    };
    for (let pass = 1; ; pass++) {
      const outcome = readDocument(document, schema, { env: this.options.env, expandSecrets: isOurs, files });
      const missing = [...wanted].filter(path => !contents.has(path));
      if (missing.length === 0 || pass === READ_PASSES_MAX) {
        this.diagnostics.push(...outcome.diagnostics);
        this.templateTexts.push(...outcome.templateTexts);
        return outcome;
      }
      for (const path of missing) {
        const resolved = resolveFrom(document.file, path);
        const read = await this.text(resolved);
        contents.set(path, read.ok ? { ...read, path: resolved } : read);
        if (read.ok) this.secrets.set(path, read.text);
      }
    }
  }

  /** The same section in our file and in a file named beside it: neither may win silently. */
  refuseTwice(
    own: YamlDocument | undefined,
    prometheus: YamlDocument | undefined,
    alertmanager: YamlDocument | undefined,
  ): void {
    if (own === undefined) return;
    const mine = new Set(topLevelKeys(own));
    for (const other of [prometheus, alertmanager]) {
      for (const key of other === undefined ? [] : topLevelKeys(other)) {
        if (!mine.has(key)) continue;
        this.diagnostics.push({
          code: 'config-conflict',
          severity: 'error',
          message: `Cannot use "${key}" of ${other?.file}: it stands in ${own.file} too`,
          file: own.file,
          line: 0,
          column: 0,
          path: key,
          remedy: 'keep it in one of the two files',
        });
      }
    }
  }

  /** Who moves step by step may want both, and nobody may lose an alert: so both tell, and it is said. */
  warnOfBothTelling(document: YamlDocument | undefined, relay: RelayConfig | undefined): void {
    if (document?.root === undefined || relay?.enabled !== undefined) return;
    const at = valueNodeAt(document.root, 'alerting')?.range?.[0] ?? 0;
    this.diagnostics.push({
      code: 'config-conflict',
      severity: 'warning',
      message:
        'Cannot tell who is to be told by whom: "alerting" names Alertmanagers elsewhere, and "route" leads to receivers of this program: both tell',
      file: document.file,
      ...document.place(at),
      path: 'alerting',
      remedy:
        'set "relay: { enabled: true }" in watchkeeper.yml if both are to tell, else false, or remove one of the two',
    });
  }

  /** The section of ours with what the web configuration file gives; `flag` names the file before `web.config_file` does. */
  async web(
    own: ReadFile<{ readonly web?: WebConfig | undefined }> | undefined,
    flag: string | undefined,
  ): Promise<WebConfig | undefined> {
    const web = own?.value?.web;
    const path = flag ?? web?.configFile;
    if (path === undefined) return web;
    if (own !== undefined && flag !== undefined && web?.configFile !== undefined && web.configFile !== flag)
      this.diagnostics.push(twoWebFiles(own.document, { flag, key: web.configFile }));
    const read = await this.read(path, webFile, false);
    if (read?.value === undefined) return web;
    const { document, value: file } = read;
    const joined = joinWeb({ web: web ?? WEB_DEFAULTS, own: own?.document, file, document });
    this.diagnostics.push(...joined.diagnostics);
    return joined.web;
  }

  async scrapeFiles(
    from: string | undefined,
    patterns: readonly string[],
    schema: Schema<readonly RawScrapeJob[]>,
  ): Promise<readonly RawScrapeJob[]> {
    const raws: RawScrapeJob[] = [];
    for (const pattern of from === undefined ? [] : patterns) {
      const paths = await this.expand(from ?? '', pattern);
      for (const path of paths) raws.push(...((await this.read(path, schema, false))?.value ?? []));
    }
    return raws;
  }

  finishJobs(
    raws: readonly RawScrapeJob[],
    global: Parameters<typeof finishJobs>[1],
  ): Sections['scrapeJobs'] {
    // The readings that the jobs came from are over; what is found only now is asked of their contexts.
    const jobs = finishJobs(raws, global);
    const known = new Set(this.diagnostics.map(placeKey));
    for (const found of new Set(raws.flatMap(raw => raw.context.problems?.() ?? []))) {
      if (!known.has(placeKey(found))) this.diagnostics.push(found);
    }
    return jobs === INVALID ? [] : jobs;
  }

  ruleFiles(from: string | undefined, patterns: readonly string[]): Promise<readonly NamedText[]> {
    return this.namedTexts(from, patterns, { what: 'rule file', key: 'rule_files' });
  }

  /** In the order of the patterns: a later file may define anew what an earlier one defines. */
  templateFiles(from: string | undefined, patterns: readonly string[]): Promise<readonly NamedText[]> {
    return this.namedTexts(from, patterns, { what: 'template file', key: 'templates' });
  }

  private async namedTexts(
    from: string | undefined,
    patterns: readonly string[],
    { what, key }: { readonly what: string; readonly key: string },
  ): Promise<readonly NamedText[]> {
    const found: NamedText[] = [];
    for (const pattern of from === undefined ? [] : patterns) {
      const paths = await this.expand(from ?? '', pattern);
      if (paths.length === 0) {
        this.diagnostics.push({
          code: 'config-io',
          severity: 'warning',
          message: `Cannot find a ${what} for "${pattern}": no file matches`,
          file: from ?? '',
          line: 0,
          column: 0,
          path: key,
          remedy: 'relative paths start at the folder of the configuration file',
        });
      }
      for (const path of paths) {
        if (found.some(file => file.path === path)) continue;
        const read = await this.text(path);
        if (read.ok) {
          found.push({ path, text: read.text });
          this.files.push({ path, text: read.text });
        } else this.problem(path, `Cannot read the ${what} "${path}": ${read.message}`);
      }
    }
    return found;
  }

  outcome(sections: Sections, documents: readonly ReadDocument[]): LoadOutcome {
    const hash = createHash('sha256');
    const all = [...this.files.map(file => [file.path, file.text] as const), ...this.secrets];
    for (const [path, text] of all.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
      hash.update(`${path.length}:${path}${text.length}:${text}`);
    }
    const version = hash.digest('hex').slice(0, 16);
    const failed = this.diagnostics.some(one => one.severity === 'error');
    const config = failed ? undefined : assembleConfig(sections);
    return {
      ...(config === undefined ? {} : { config }),
      shown: config === undefined ? '' : shownConfig(documents, config.global),
      diagnostics: this.diagnostics,
      version,
      files: this.files,
      templateTexts: this.templateTexts,
    };
  }

  private async expand(from: string, pattern: string): Promise<readonly string[]> {
    return glob(this.options.disk, resolveFrom(from, pattern), error =>
      this.problem(from, `Cannot look for "${pattern}": ${explainDisk(error)}`),
    );
  }

  private problem(file: string, message: string): void {
    this.diagnostics.push({
      code: 'config-io',
      severity: 'error',
      message,
      file,
      line: 0,
      column: 0,
      path: '',
    });
  }

  private async text(path: string): Promise<{ ok: true; text: string } | { ok: false; message: string }> {
    const bytes = await this.options.disk.readFile(path);
    if (!bytes.ok) return { ok: false, message: explainDisk(bytes.error) };
    if (bytes.value.length > FILE_BYTES_MAX)
      return { ok: false, message: `it is larger than ${FILE_BYTES_MAX} bytes` };
    try {
      return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes.value) };
    } catch {
      return { ok: false, message: 'it is not UTF-8 text' };
    }
  }
}

function placeKey(one: Diagnostic): string {
  return `${one.file}:${one.line}:${one.column}:${one.code}:${one.message}`;
}

function explainDisk(error: DiskError): string {
  switch (error.code) {
    case 'disk-not-found':
      return 'it does not exist';
    case 'disk-denied':
      return 'access is denied';
    default:
      return error.message;
  }
}

// Parse and run in one step, and the way to let a template ask queries although it runs synchronously.

import { err, ok, type Result } from '../base/index.ts';
import type { Definition, Template, TemplateError } from './ast.ts';
import { builtinFunctions, LAZY_FUNCTIONS } from './builtins.ts';
import { executeTemplate } from './evaluate.ts';
import type { ExecuteFailure } from './failure.ts';
import { QUERIES_MAX, TEMPLATE_LIMITS, type TemplateLimits } from './limits.ts';
import { parseTemplate as parseWith } from './parser.ts';
import { type PrometheusFunctionOptions, prometheusFunctions, type TemplateSample } from './prometheus.ts';
import type { FunctionTable, Value } from './values.ts';

export interface ParseTemplateOptions {
  readonly functions: FunctionTable;
  /** Of the template, in messages. */
  readonly name?: string;
  /** Variables that are set beforehand, without "$". */
  readonly variables?: readonly string[];
}

export interface ExpandOptions {
  readonly functions: FunctionTable;
  readonly nowMs: number;
  readonly name?: string;
  readonly variables?: ReadonlyMap<string, Value>;
  /** Templates from other files, for `{{ template }}`. */
  readonly templates?: ReadonlyMap<string, Definition>;
  /** Default "zero", as Prometheus and Alertmanager. */
  readonly missingKey?: 'zero' | 'error';
  readonly html?: boolean;
  readonly limits?: TemplateLimits;
}

const BUILTINS = builtinFunctions(TEMPLATE_LIMITS.outputCharsMax);

/** A name is known if it is built in or among the given functions. */
export function parseTemplate(text: string, options: ParseTemplateOptions): Result<Template, TemplateError> {
  const { functions } = options;
  return parseWith(text, {
    hasFunction: name => BUILTINS.has(name) || LAZY_FUNCTIONS.has(name) || functions.has(name),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.variables === undefined ? {} : { variables: options.variables }),
  });
}

/** What several template files define together; a later definition replaces an earlier one. */
export function parseTemplateFiles(
  files: readonly { readonly name: string; readonly text: string }[],
  functions: FunctionTable,
): Result<ReadonlyMap<string, Definition>, TemplateError> {
  const all = new Map<string, Definition>();
  for (const { name, text } of files) {
    const parsed = parseTemplate(text, { functions, name });
    if (!parsed.ok) return parsed;
    for (const [key, definition] of parsed.value.defined) all.set(key, definition);
    all.set(name, parsed.value.main);
  }
  return ok(all);
}

/** Runs a parsed template. A function that needs a query fails here: use `expandWithQueries` for those. */
export function runTemplate(
  template: Template,
  data: Value,
  options: ExpandOptions,
): Result<string, TemplateError> {
  const result = attempt(template, data, options);
  if (result.ok) return result;
  return err(result.error.kind === 'error' ? result.error.error : noQueries(result.error.query));
}

export function expandTemplate(
  text: string,
  data: Value,
  options: ExpandOptions,
): Result<string, TemplateError> {
  const parsed = parseTemplate(text, parseOptions(options));
  return parsed.ok ? runTemplate(parsed.value, data, options) : parsed;
}

function parseOptions(options: ExpandOptions): ParseTemplateOptions {
  return {
    functions: options.functions,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.variables === undefined ? {} : { variables: [...options.variables.keys()] }),
  };
}

function attempt(template: Template, data: Value, options: ExpandOptions): Result<string, ExecuteFailure> {
  return executeTemplate(template, data, {
    functionOf: name => options.functions.get(name) ?? BUILTINS.get(name),
    limits: options.limits ?? TEMPLATE_LIMITS,
    nowMs: options.nowMs,
    templates: options.templates ?? new Map(),
    variables: options.variables ?? new Map(),
    missingKey: options.missingKey ?? 'zero',
    html: options.html ?? false,
  });
}

function noQueries(query: string): TemplateError {
  const cause = `query ${JSON.stringify(query)} cannot be asked here`;
  return { code: 'template-execute', message: cause, cause, source: '', line: 0, column: 0 };
}

export type AskQuery = (expr: string) => Promise<Result<readonly TemplateSample[], string>>;

/**
 * Expands a template of Prometheus that may call `query`: the run stops at the first query without an answer, asks
 * it, and starts again. Templates without queries, nearly all, run once and never wait.
 */
export async function expandWithQueries(
  template: Template,
  data: Value,
  options: Omit<ExpandOptions, 'functions'> & PrometheusFunctionOptions & { readonly ask: AskQuery },
): Promise<Result<string, TemplateError>> {
  const answers = new Map(options.answers ?? []);
  for (;;) {
    const functions = prometheusFunctions({ externalUrl: options.externalUrl, answers });
    const result = attempt(template, data, { ...options, functions });
    if (result.ok) return result;
    if (result.error.kind === 'error') return err(result.error.error);
    if (answers.size >= QUERIES_MAX) {
      const cause = `more than ${QUERIES_MAX} queries in one template`;
      return err({
        code: 'template-limit',
        message: cause,
        cause,
        source: template.main.name,
        line: 0,
        column: 0,
      });
    }
    const answer = await options.ask(result.error.query);
    answers.set(result.error.query, answer.ok ? answer.value : { error: answer.error });
  }
}

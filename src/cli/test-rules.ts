// watchkeeper test rules: promtool's unit tests over files, and what is told of them.

import { err, ok, type Result } from '../base/index.ts';
import { glob, resolveFrom } from '../config/index.ts';
import { compileRegex, type Diagnostic, formatDiagnostic } from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import {
  type RuleFileText,
  type RuleTestFailure,
  type RuleTestReport,
  runRuleTests,
} from '../rules/index.ts';
import type { CommandContext, ExitCode } from './command.ts';
import { counted, failureText } from './render/index.ts';
import { terminalOf } from './terminal.ts';

export interface TestRulesOptions {
  /** Patterns of names; none: all tests. */
  readonly run: readonly string[];
  readonly format: 'text' | 'diff' | 'json';
  readonly allowsUnknownKeys: boolean;
}

/** The error is one of usage. */
export async function testRules(
  context: CommandContext,
  files: readonly string[],
  options: TestRulesOptions,
): Promise<Result<ExitCode, string>> {
  const only = nameFilter(options.run);
  if (!only.ok) return only;
  let worst: ExitCode = 0;
  for (const file of files) {
    const source = await readText(context, file);
    const report = source.ok
      ? await runRuleTests(source.value, {
          file,
          readRuleFiles: pattern => readRuleFiles(context, resolveFrom(file, pattern)),
          createQuery: (reader, subqueryStepMs) =>
            createQueryEngine({ reader, clock: context.clock, settings: { subqueryStepMs } }),
          monotonicMs: () => context.clock.monotonicMs(),
          allowsUnknownKeys: options.allowsUnknownKeys,
          ...(only.value === undefined ? {} : { only: only.value }),
        })
      : unread(file, source.error);
    if (options.format === 'json') printJson(context, file, report);
    else printText(context, { file, report, options });
    if (report.failures.length > 0 || report.diagnostics.some(isError)) worst = 1;
  }
  return ok(worst);
}

/** A match anywhere in the name is enough, as for promtool. */
function nameFilter(patterns: readonly string[]): Result<((name: string) => boolean) | undefined, string> {
  if (patterns.length === 0) return ok(undefined);
  const regex = compileRegex(`.*(?:${patterns.join('|')}).*`);
  if (!regex.ok) return err(`--run ${JSON.stringify(patterns.join('|'))}: ${regex.error}`);
  return ok(name => regex.value.test(name));
}

async function readRuleFiles(context: CommandContext, pattern: string): Promise<readonly RuleFileText[]> {
  const here = `${context.cwd}/`;
  const paths = await glob(context.disk, resolveFrom(`${here}.`, pattern));
  return Promise.all(
    paths.map(async path => {
      // As short as the user named the test file.
      const name = path.startsWith(here) && !pattern.startsWith('/') ? path.slice(here.length) : path;
      return { name, text: await readText(context, path) };
    }),
  );
}

async function readText(context: CommandContext, file: string): Promise<Result<string, string>> {
  const read = await context.disk.readFile(resolveFrom(`${context.cwd}/.`, file));
  return read.ok ? ok(new TextDecoder().decode(read.value)) : err(read.error.message);
}

function unread(file: string, message: string): RuleTestReport {
  const text = `Cannot read "${file}": ${message}`;
  const place = { file, line: 0, column: 0, path: '' };
  return {
    testsRun: 0,
    checksRun: 0,
    failures: [],
    diagnostics: [{ code: 'config-io', severity: 'error', message: text, ...place }],
  };
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

function printJson(context: CommandContext, file: string, { diagnostics, failures }: RuleTestReport): void {
  for (const diagnostic of diagnostics) context.out(`${JSON.stringify(diagnostic)}\n`);
  for (const { expected, got, ...failure } of failures) {
    const items = { expected: expected.map(({ text }) => text), got: got.map(({ text }) => text) };
    context.out(`${JSON.stringify({ severity: 'error', file, ...failure, ...items })}\n`);
  }
}

function printText(
  context: CommandContext,
  told: { readonly file: string; readonly report: RuleTestReport; readonly options: TestRulesOptions },
): void {
  const { file, report, options } = told;
  const { style } = terminalOf(context);
  for (const diagnostic of report.diagnostics) context.out(`${formatDiagnostic(diagnostic)}\n`);
  for (const failure of report.failures)
    context.out(`${failureText(failure, { file, style, isDiff: options.format === 'diff' })}\n`);
  const verdict = verdictOf(report);
  context.out(`${file}: ${verdict.isFine ? style.good(verdict.text) : style.bad(verdict.text)}\n`);
  if (report.testsRun === 0 && options.run.length > 0 && verdict.isFine)
    context.warn(`${file}: no test has a name that --run asks for\n`);
}

function verdictOf({ diagnostics, failures, testsRun, checksRun }: RuleTestReport): {
  readonly isFine: boolean;
  readonly text: string;
} {
  const errors = diagnostics.filter(isError).length;
  if (errors > 0) return { isFine: false, text: counted(errors, 'error') };
  const ran = `${counted(testsRun, 'test')}, ${counted(checksRun, 'check')}`;
  if (failures.length === 0) return { isFine: true, text: `fine: ${ran}` };
  const tests = new Set(failures.map((failure: RuleTestFailure) => failure.test)).size;
  return {
    isFine: false,
    text: `${counted(failures.length, 'failure')} in ${counted(tests, 'test')} (of ${ran})`,
  };
}

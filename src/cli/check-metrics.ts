// watchkeeper check metrics: can a page be scraped, and are its metrics named as people expect?

import { type MetricReview, reviewMetrics } from '../exposition/index.ts';
import type { CommandContext, ExitCode } from './command.ts';

export interface MetricsRequest {
  /** As the user named it; "-" is standard input. */
  readonly file: string;
  readonly path: string;
  readonly format: 'text' | 'openmetrics' | undefined;
  readonly json: boolean;
  readonly extended: boolean;
}

/** Families shown by --extended. */
const FAMILIES_SHOWN = 50;
const NEWLINE = 0x0a;

export async function checkMetrics(context: CommandContext, request: MetricsRequest): Promise<ExitCode> {
  const { file } = request;
  const read = await context.disk.readFile(file === '-' ? '/dev/stdin' : request.path);
  if (!read.ok) {
    context.out(`error: Cannot read "${file}": ${read.error.message}\n`);
    return 1;
  }
  const format = request.format ?? (endsAsOpenMetrics(read.value) ? 'openmetrics' : 'text');
  const review = reviewMetrics(read.value, format);
  const { failure, problems } = review;
  if (request.json) printJson(context, review);
  else {
    if (failure !== undefined) context.out(`${file}: error: ${failure.message}\n`);
    for (const { metric, text } of problems) context.out(`${metric} ${text}\n`);
    if (request.extended) printFamilies(context, review);
    const series = review.families.reduce((sum, family) => sum + family.series, 0);
    const told = problems.length === 1 ? '1 remark' : `${problems.length} remarks`;
    const verdict = failure === undefined ? (problems.length === 0 ? 'fine' : told) : 'cannot be read';
    context.out(
      `${file}: ${format === 'text' ? 'text format' : 'OpenMetrics'}, ${series} series: ${verdict}\n`,
    );
  }
  return failure === undefined && problems.length === 0 ? 0 : 1;
}

function printJson(context: CommandContext, { failure, problems }: MetricReview): void {
  if (failure !== undefined) context.out(`${JSON.stringify({ severity: 'error', ...failure })}\n`);
  for (const problem of problems) context.out(`${JSON.stringify({ severity: 'warning', ...problem })}\n`);
}

function printFamilies(context: CommandContext, { families }: MetricReview): void {
  const all = families.reduce((sum, family) => sum + family.series, 0);
  for (const { metric, series } of families.slice(0, FAMILIES_SHOWN))
    context.out(
      `${String(series).padStart(8)} ${((100 * series) / all).toFixed(1).padStart(5)} %  ${metric}\n`,
    );
}

/** The last line is "# EOF". */
function endsAsOpenMetrics(bytes: Uint8Array): boolean {
  const end = bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
  return new TextDecoder().decode(bytes.subarray(Math.max(0, end - 6), end)).endsWith('# EOF');
}

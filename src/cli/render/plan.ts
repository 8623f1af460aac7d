// The plan of a query as a tree: each operator with its series, samples and time.

import type { OperatorJson, QueryPlanJson } from '../../api/index.ts';
import { counted, grouped, milliseconds } from './numbers.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';
import { visible } from './width.ts';

interface PlanRow {
  readonly operator: OperatorJson;
  /** The tree's branches in front of the name. */
  readonly branch: string;
}

export function planText(
  plan: QueryPlanJson,
  options: { readonly width: number | undefined; readonly style: Style },
): string {
  const { style } = options;
  const total = `${counted(plan.seriesRead, 'series')} and ${counted(plan.samplesRead, 'sample')} read`;
  if (plan.operators === null) return `${total} in ${milliseconds(plan.durationMs)} ms\n`;
  const rows = rowsOf(plan.operators, '', '');
  const numbers = (header: string, textOf: (operator: OperatorJson) => string): Column => ({
    header,
    align: 'right',
    isCut: false,
    cells: rows.map(({ operator }) => textOf(operator)),
  });
  const slowest = Math.max(...rows.map(({ operator }) => operator.selfMs));
  const selfMs: Column = {
    ...numbers('self ms', ({ selfMs }) => milliseconds(selfMs)),
    paint: (row, cell) => (rows[row]?.operator.selfMs === slowest ? style.bold(cell) : cell),
  };
  const columns: readonly Column[] = [
    {
      header: 'operator',
      align: 'left',
      isCut: true,
      cells: rows.map(({ operator, branch }) => `${branch}${labelOf(operator)}`),
    },
    numbers('series', ({ series }) => grouped(series)),
    numbers('samples', ({ samplesRead, isShared }) => (isShared ? 'shared' : grouped(samplesRead))),
    numbers('steps', ({ steps }) => grouped(steps)),
    selfMs,
    numbers('total ms', ({ totalMs }) => milliseconds(totalMs)),
  ];
  const body = table(columns, options) ?? table(columns, { ...options, width: undefined }) ?? '';
  const around = plan.durationMs - plan.operators.totalMs;
  const shared = rows.some(({ operator }) => operator.isShared)
    ? 'shared: an equal selector above has read it\n'
    : '';
  const sum = `${total}, ${milliseconds(plan.durationMs)} ms, of these ${milliseconds(around)} ms around the operators\n`;
  return `${body}${style.dim(shared)}${sum}`;
}

/** Depth first: an operator, then its inputs below it. */
function rowsOf(operator: OperatorJson, branch: string, below: string): readonly PlanRow[] {
  const { inputs } = operator;
  return [
    { operator, branch },
    ...inputs.flatMap((input, i) =>
      i === inputs.length - 1
        ? rowsOf(input, `${below}└─ `, `${below}   `)
        : rowsOf(input, `${below}├─ `, `${below}│  `),
    ),
  ];
}

/** Constants need no text beside them, they are it. */
function labelOf({ op, name, text }: OperatorJson): string {
  const flat = visible(text.replace(/\s+/g, ' ').trim());
  return op === 'number' || op === 'string' ? flat : `${name}  ${flat}`;
}

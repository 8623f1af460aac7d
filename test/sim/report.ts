// What a person sees of runs: the tables, and of a failing seed everything that is needed to replay it.

import type { SimResult } from './run.ts';

/** The seed, what failed, the plan's choices and its script; `withLog` adds the program's last log lines. */
export function failureText(result: SimResult, settings: { readonly withLog: boolean }): string {
  const { events, ...choices } = result.plan;
  return [
    `FAILED seed ${result.seed} (replay: npm run soak -- sim --seed ${result.seed} --minutes ${result.plan.minutes})`,
    ...result.failures.map(failure => `  ${failure}`),
    `  plan: ${JSON.stringify(choices)}`,
    ...events.map(({ atMs, ...event }) => `  ${(atMs / 1000).toFixed(3)} s ${JSON.stringify(event)}`),
    ...(settings.withLog ? ['  log:', ...result.log.map(line => `    ${line}`)] : []),
  ].join('\n');
}

// Plans by the text of their expressions: dashboards ask the same ones each time, and to parse and plan a short one takes longer
// than to answer it. Plans are plain data that nobody changes.

import type { QueryPlan } from '../model/index.ts';

/** Characters of all texts that are remembered: a plan takes some thirty bytes for each, 4 MB together. */
const CHARS_MAX = 128 * 1024;

export class PlanCache {
  /** The one used longest ago first. */
  readonly #plans = new Map<string, QueryPlan>();
  #chars = 0;

  get(expr: string): QueryPlan | undefined {
    const plan = this.#plans.get(expr);
    if (plan === undefined) return undefined;
    this.#plans.delete(expr);
    this.#plans.set(expr, plan);
    return plan;
  }

  /** One that is not known. */
  add(plan: QueryPlan): void {
    if (plan.expr.length > CHARS_MAX) return;
    this.#plans.set(plan.expr, plan);
    this.#chars += plan.expr.length;
    for (const expr of this.#plans.keys()) {
      if (this.#chars <= CHARS_MAX) return;
      this.#plans.delete(expr);
      this.#chars -= expr.length;
    }
  }

  get chars(): number {
    return this.#chars;
  }
}

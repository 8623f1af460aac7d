// Labels as the text of their JSON. Alerts share most of theirs, so that a pair is made into text once an answer.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { Labels } from '../../model/index.ts';

/** Beyond so many they are mostly different ones, which are not met again. */
const TEXTS_MAX = 20_000;

export class PairTexts {
  readonly #byName = new Map<string, Map<string, string>>();
  #size = 0;

  /** An object, in the order of the names. */
  labels(labels: Labels): string {
    if (labels.length === 0) return '{}';
    let text = `{${this.#pair(labels[0]!, labels[1]!)}`;
    for (let i = 2; i < labels.length; i += 2) text += `,${this.#pair(labels[i]!, labels[i + 1]!)}`;
    return `${text}}`;
  }

  #pair(name: string, value: string): string {
    const known = this.#byName.get(name)?.get(value);
    if (known !== undefined) return known;
    const made = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    if (this.#size++ >= TEXTS_MAX) return made;
    const ofName = this.#byName.get(name) ?? new Map<string, string>();
    this.#byName.set(name, ofName.set(value, made));
    return made;
  }
}

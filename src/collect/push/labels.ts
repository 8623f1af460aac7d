// Labels of a pushed series out of their messages.

import { compareUtf8, err, ok, type Result } from '../../base/index.ts';
import { BYTES, type TextCache, type WireReader } from '../../exposition/index.ts';
import {
  formatLabels,
  type Labels,
  labelsFromPairs,
  labelsFromSorted,
  labelValue,
  METRIC_NAME,
} from '../../model/index.ts';

/** One label; undefined when it is bad. The reader stands behind it. */
export function readPair(
  reader: WireReader,
  end: number,
  texts: TextCache,
): readonly [string, string] | undefined {
  let name: string | undefined = '';
  let value: string | undefined = '';
  while (reader.next(end)) {
    if ((reader.field === 1 || reader.field === 2) && reader.is(BYTES)) {
      const stop = reader.span(end);
      const text = texts.read(reader.bytes, reader.at, stop);
      if (reader.field === 1) name = text;
      else value = text;
      reader.at = stop;
    } else reader.skip(end);
  }
  return reader.bad || name === undefined || value === undefined ? undefined : [name, value];
}

/** Labels as Prometheus judges them: a name, no name twice, no empty name, all of it UTF-8. From where the reader stands. */
export function decodeLabels(reader: WireReader, to: number, texts: TextCache): Result<Labels, string> {
  const flat: string[] = [];
  // As the protocol asks for them, nearly always: then nothing has to be sorted.
  let isSorted = true;
  while (reader.next(to)) {
    if (reader.field !== 1 || !reader.is(BYTES)) {
      reader.skip(to);
      continue;
    }
    const pair = readPair(reader, reader.span(to), texts);
    if (pair === undefined) return err('a label is not valid UTF-8');
    const [name, value] = pair;
    if (name === '') return err('a label has an empty name');
    const before = flat[flat.length - 2];
    if (value === '' || (before !== undefined && compareUtf8(before, name) >= 0)) isSorted = false;
    flat.push(name, value);
  }
  const labels = isSorted ? ok(labelsFromSorted(Object.freeze(flat))) : sorted(flat);
  if (labels.ok && labelValue(labels.value, METRIC_NAME) === '')
    return err(`${formatLabels(labels.value)}: the metric name (label "${METRIC_NAME}") is missing`);
  return labels;
}

function sorted(flat: readonly string[]): Result<Labels, string> {
  const pairs: [string, string][] = [];
  const names = new Set<string>();
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (names.has(name)) return err(`the label "${name}" stands there twice`);
    names.add(name);
    pairs.push([name, flat[i + 1] as string]);
  }
  return ok(labelsFromPairs(pairs));
}

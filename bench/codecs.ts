// Claim: on this host's own metrics the cheapest form of each column takes a fifth less than XOR alone, and a general
// compressor behind it gains less than a twentieth. BENCH_PAGES (default 256) pages are recorded, BENCH_EVERY_MS (default
// 250) apart.

import { setTimeout as sleep } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import { formatLabels } from '../src/model/index.ts';
import { ByteWriter } from '../src/storage/bytes.ts';
import { ColumnScratch, writeColumn } from '../src/storage/codec/column.ts';
import { isConstant } from '../src/storage/codec/constant.ts';
import { integerBytes, planInteger, toWholes } from '../src/storage/codec/integer.ts';
import { writeXor, xorBytesMax } from '../src/storage/codec/xor.ts';
import { collector } from './peers/host-collector.ts';

const PAGES = Number(process.env['BENCH_PAGES'] ?? 256);
const EVERY_MS = Number(process.env['BENCH_EVERY_MS'] ?? 250);
/** As in a sealed chunk, and as in a block (of which no recording here is long enough for a whole segment of 512). */
const ROWS = [64, PAGES];

const columns = new Map<string, number[]>();
for (let page = 0; page < PAGES; page++) {
  for (const { name, samples } of await collector.collect()) {
    for (const sample of samples) {
      const key = `${name}${sample.suffix ?? ''}${formatLabels(sample.labels)}`;
      const column = columns.get(key);
      if (column === undefined) columns.set(key, [sample.value]);
      else column.push(sample.value);
    }
  }
  await sleep(EVERY_MS);
}
const whole = [...columns.values()].filter(column => column.length === PAGES);

interface Sizes {
  chosen: number;
  xor: number;
  deflated: number;
  values: number;
  readonly forms: Map<string, number>;
}

function measure(rows: number): Sizes {
  const sizes: Sizes = { chosen: 0, xor: 0, deflated: 0, values: 0, forms: new Map() };
  const scratch = new ColumnScratch(rows);
  const chunk = new ByteWriter(1024 * 1024);
  for (let from = 0; from + rows <= PAGES; from += rows) {
    chunk.clear();
    for (const column of whole) {
      scratch.values.set(column.slice(from, from + rows));
      const start = chunk.length;
      writeColumn(chunk, scratch, rows);
      sizes.chosen += chunk.length - start;
      const form = formOf(scratch, rows);
      sizes.forms.set(form, (sizes.forms.get(form) ?? 0) + 1);
      const out = new Uint8Array(xorBytesMax(rows));
      sizes.xor += 1 + writeXor(out, scratch.words, rows);
      sizes.values += rows;
    }
    sizes.deflated += deflateRawSync(chunk.bytes()).length;
  }
  return sizes;
}

function formOf(scratch: ColumnScratch, rows: number): string {
  if (isConstant(scratch.words, rows)) return 'constant';
  const scale = toWholes(scratch.values, rows, scratch.wholes);
  if (scale < 0) return 'xor or raw';
  const out = new Uint8Array(xorBytesMax(rows));
  const xorBytes = writeXor(out, scratch.words, rows);
  const plan = planInteger(scratch.wholes, rows);
  if (integerBytes(plan) > xorBytes) return 'xor or raw';
  return `${scale === 0 ? 'whole' : 'decimal'}, ${plan.order === 1 ? 'differences' : 'of differences'}`;
}

process.stdout.write(`${whole.length} series of this host, ${PAGES} pages ${EVERY_MS} ms apart\n`);
for (const rows of ROWS) {
  const { chosen, xor, deflated, values, forms } = measure(rows);
  const each = (bytes: number): string => (bytes / values).toFixed(2);
  const columnsInAll = [...forms.values()].reduce((sum, count) => sum + count, 0);
  const shares = [...forms]
    .sort(([, a], [, b]) => b - a)
    .map(([form, count]) => `${form} ${((100 * count) / columnsInAll).toFixed(0)} %`);
  process.stdout.write(
    `${rows} rows: chosen ${each(chosen)} bytes a value, XOR alone ${each(xor)}, chosen and deflated ${each(deflated)}; ${shares.join(', ')}\n`,
  );
}

// Samples into the real program, by remote write.

import { compressSync } from 'snappy';
import { encodeV1, type TestSeries } from '../../src/collect/push/testdata/encode.ts';
import type { Program } from '../e2e/support.ts';

export async function pushed(program: Program, series: readonly TestSeries[]): Promise<void> {
  const response = await program.fetch('/api/v1/write', {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: new Uint8Array(compressSync(Buffer.from(encodeV1(series)))),
  });
  if (response.status !== 204) throw new Error(`refused with ${response.status}: ${await response.text()}`);
}

// Decompression of short bodies into memory that is used again. Node's own synchronous calls make a decompressor and an
// output buffer for each body: of a page of 1,000 samples that takes two thirds of the time, and its garbage comes on top.
//
// What is asked of Node here is not documented: the binding below a stream of node:zlib, the same in Node 10 to 24. So it
// is tried out first, and where it is not what it should be the documented calls do the work.

import { createGunzip, createInflate, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';

/** Bytes that the next call overwrites, or why there are none. */
export type Inflated = Uint8Array | 'too-large' | 'bad';

export type InflateFormat = 'gzip' | 'deflate';

/** As node:zlib has it below its streams. */
interface Binding {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror: () => void;
}

interface Machine {
  readonly binding: Binding;
  /** What the last write left of output and input. */
  readonly left: Uint32Array;
  failed: boolean;
}

const FINISH = 4;
/** Kept from one body to the next; what a larger one needs is given back. */
const KEPT_BYTES = 512 * 1024;
const OUTPUT_BYTES_MIN = 64 * 1024;
/** Where the size is not said, what comes out is expected to be so many times as large. */
const EXPECTED_RATIO = 12;

/** Owns decompressors, input and output. */
export class Inflater {
  readonly #machines = new Map<InflateFormat, Machine | undefined>();
  readonly #machineFor: (format: InflateFormat) => Machine | undefined;
  #input = new Uint8Array(16 * 1024);
  #output: Uint8Array = new Uint8Array(0);

  /** With `documentedOnly` nothing but documented calls are used. */
  constructor(options: { readonly documentedOnly?: boolean } = {}) {
    this.#machineFor = options.documentedOnly === true ? () => undefined : tested;
  }

  /** `parts` together are one body of `sizeBytes`; more than `bytesMax` bytes of it are 'too-large'. */
  inflate(
    format: InflateFormat,
    body: { readonly parts: readonly Uint8Array[]; readonly sizeBytes: number },
    bytesMax: number,
  ): Inflated {
    const whole = this.joined(body.parts, body.sizeBytes);
    if (!this.#machines.has(format)) this.#machines.set(format, this.#machineFor(format));
    const machine = this.#machines.get(format);
    return machine === undefined ? documented(format, whole, bytesMax) : this.#run(machine, whole, bytesMax);
  }

  /** The parts as one, in memory that the next call overwrites. */
  joined(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    if (this.#input.length < sizeBytes) this.#input = new Uint8Array(sizeBytes);
    let at = 0;
    for (const part of parts) {
      this.#input.set(part, at);
      at += part.length;
    }
    return this.#input.subarray(0, sizeBytes);
  }

  #run(machine: Machine, input: Uint8Array, bytesMax: number): Inflated {
    const output = this.#roomFor(expectedBytes(input), bytesMax);
    const result = runMachine(machine, input, output, bytesMax);
    if (result === 'bad' || result === 'too-large') return result;
    if (result.buffer.byteLength <= KEPT_BYTES) this.#output = new Uint8Array(result.buffer);
    return result;
  }

  #roomFor(bytes: number, bytesMax: number): Uint8Array {
    const wanted = Math.min(bytes, bytesMax) + 1;
    return this.#output.length >= wanted ? this.#output : new Uint8Array(Math.max(OUTPUT_BYTES_MIN, wanted));
  }
}

/** The result lies in `first`, or in something larger that had to be made. */
function runMachine(machine: Machine, input: Uint8Array, first: Uint8Array, bytesMax: number): Inflated {
  const { binding, left } = machine;
  machine.failed = false;
  binding.reset();
  let output = first;
  let inputAt = 0;
  let outputAt = 0;
  for (;;) {
    const inputLength = input.length - inputAt;
    const room = output.length - outputAt;
    binding.writeSync(FINISH, input, inputAt, inputLength, output, outputAt, room);
    if (machine.failed) return 'bad';
    const [roomLeft = 0, inputLeft = 0] = left;
    inputAt += inputLength - inputLeft;
    outputAt += room - roomLeft;
    if (outputAt > bytesMax) return 'too-large';
    // With room left there is nothing more to come; what was not taken lies behind the end.
    if (roomLeft > 0) return output.subarray(0, outputAt);
    const larger = new Uint8Array(2 * output.length);
    larger.set(output);
    output = larger;
  }
}

/** The last four bytes of gzip say the size, and may lie. */
function expectedBytes(input: Uint8Array): number {
  const guessed = input.length * EXPECTED_RATIO;
  if (input[0] !== 0x1f || input[1] !== 0x8b || input.length < 18) return guessed;
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  return Math.min(view.getUint32(input.length - 4, true), Math.max(guessed, KEPT_BYTES));
}

function documented(format: InflateFormat, input: Uint8Array, maxOutputLength: number): Inflated {
  try {
    return format === 'gzip'
      ? gunzipSync(input, { maxOutputLength })
      : inflateSync(input, { maxOutputLength });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'bad';
  }
}

const TEXT = Buffer.from('watchkeeper '.repeat(100));

/** The machine, if all that is asked of it works: whole, cut short, and damaged. */
function tested(format: InflateFormat): Machine | undefined {
  try {
    const machine = newMachine(format);
    const packed = format === 'gzip' ? gzipSync(TEXT) : deflateSync(TEXT);
    const damaged = Uint8Array.from(packed, (byte, i) => (i < packed.length - 6 ? byte : byte ^ 0x55));
    const inflate = (input: Uint8Array): Inflated =>
      runMachine(machine, input, new Uint8Array(64), TEXT.length);
    const whole = [inflate(packed), inflate(packed)].every(
      result => result instanceof Uint8Array && TEXT.equals(result),
    );
    const refuses = [packed.subarray(0, packed.length - 7), damaged].every(input => inflate(input) === 'bad');
    return whole && refuses ? machine : undefined;
  } catch {
    return undefined;
  }
}

function newMachine(format: InflateFormat): Machine {
  const stream: unknown = format === 'gzip' ? createGunzip() : createInflate();
  const { _handle: binding, _writeState: left } = stream as { _handle: Binding; _writeState: Uint32Array };
  const machine: Machine = { binding, left, failed: false };
  binding.onerror = () => {
    machine.failed = true;
  };
  return machine;
}

// Where a queue has come to in the log, and what it is about to send: two slots of a file that are written in turn, so that
// one of them is whole whenever the process dies (docs/formats/remote-write.md). Pure but for `PlaceFile`.

import {
  type Clock,
  crc32c,
  type Disk,
  type DiskError,
  type DiskFile,
  err,
  ok,
  type Result,
} from '../base/index.ts';
import type { LogPlace } from '../model/index.ts';

/** A piece of the log that is being sent: after a crash it is cut into the very same requests again. */
export interface Intent {
  readonly to: LogPlace;
  readonly shards: number;
  readonly samplesPerSend: number;
}

export interface QueuePlace {
  /** Everything before it has been sent, or given up. */
  readonly from: LogPlace;
  readonly intent: Intent | undefined;
}

export const SLOT_BYTES = 128;
/** "WKRW" and the version. */
const MAGIC = 0x57_4b_52_57;
const VERSION = 1;
const SUM_AT = 8;
const BODY_AT = 12;
const FIELDS_AT = 16;

export function encodeSlot(place: QueuePlace, sequence: number): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, false);
  view.setUint32(4, VERSION, true);
  view.setUint32(BODY_AT, place.intent === undefined ? 0 : 1, true);
  const { from, intent } = place;
  const numbers = [
    sequence,
    from.segment,
    from.offset,
    intent?.to.segment ?? 0,
    intent?.to.offset ?? 0,
    intent?.shards ?? 0,
    intent?.samplesPerSend ?? 0,
  ];
  for (const [i, number] of numbers.entries()) view.setFloat64(FIELDS_AT + 8 * i, number, true);
  view.setUint32(SUM_AT, crc32c(bytes, { from: BODY_AT, to: SLOT_BYTES }), true);
  return bytes;
}

/** Undefined when it is not whole, or not of this version. */
export function decodeSlot(
  bytes: Uint8Array,
): { readonly place: QueuePlace; readonly sequence: number } | undefined {
  if (bytes.length < SLOT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SLOT_BYTES);
  if (view.getUint32(0, false) !== MAGIC || view.getUint32(4, true) !== VERSION) return undefined;
  if (view.getUint32(SUM_AT, true) !== crc32c(bytes, { from: BODY_AT, to: SLOT_BYTES })) return undefined;
  const [sequence = 0, segment = 0, offset = 0, toSegment = 0, toOffset = 0, shards = 0, samplesPerSend = 0] =
    Array.from({ length: 7 }, (_, i) => view.getFloat64(FIELDS_AT + 8 * i, true));
  const whole = [sequence, segment, offset, toSegment, toOffset, shards, samplesPerSend];
  if (!whole.every(number => Number.isSafeInteger(number) && number >= 0)) return undefined;
  const isIntended = view.getUint32(BODY_AT, true) === 1;
  const to = { segment: toSegment, offset: toOffset };
  if (isIntended && (shards < 1 || samplesPerSend < 1)) return undefined;
  return {
    sequence,
    place: {
      from: { segment, offset },
      intent: isIntended ? { to, shards, samplesPerSend } : undefined,
    },
  };
}

/** The newer one of the slots that are whole. */
export function newestSlot(bytes: Uint8Array): ReturnType<typeof decodeSlot> {
  const [first, second] = [0, 1].map(i => decodeSlot(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)));
  if (first === undefined || second === undefined) return first ?? second;
  return second.sequence > first.sequence ? second : first;
}

/** A loss of power takes at most this much of what was noted; a death of the process takes nothing. */
const SYNC_EVERY_MS = 5000;

export type FoundPlace =
  | { readonly kind: 'new' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'known'; readonly place: QueuePlace };

/** Owns the file. */
export class PlaceFile {
  readonly #file: DiskFile;
  readonly #clock: Clock;
  #sequence: number;
  #syncedMs: number;
  #isUnsynced = false;

  private constructor(file: DiskFile, clock: Clock, sequence: number) {
    this.#file = file;
    this.#clock = clock;
    this.#sequence = sequence;
    this.#syncedMs = clock.monotonicMs();
  }

  static async open(
    ports: { readonly disk: Disk; readonly clock: Clock },
    at: { readonly folder: string; readonly path: string },
  ): Promise<Result<{ readonly file: PlaceFile; readonly found: FoundPlace }, DiskError>> {
    const { disk, clock } = ports;
    const read = await disk.readFile(at.path);
    if (!read.ok && read.error.code !== 'disk-not-found') return read;
    const opened = await disk.open(at.path, read.ok ? 'update' : 'create');
    if (!opened.ok) return opened;
    const slot = read.ok ? newestSlot(read.value) : undefined;
    const file = new PlaceFile(opened.value, clock, slot?.sequence ?? 0);
    // The name must survive as well.
    const named = read.ok ? ok(undefined) : await disk.syncFolder(at.folder);
    if (!named.ok) {
      await opened.value.close();
      await disk.remove(at.path);
      return err(named.error);
    }
    const isEmpty = !read.ok || read.value.length === 0;
    const found: FoundPlace =
      slot === undefined ? { kind: isEmpty ? 'new' : 'damaged' } : { kind: 'known', place: slot.place };
    return ok({ file, found });
  }

  /** Written when this resolves, and synced within a while. */
  async note(place: QueuePlace): Promise<Result<void, DiskError>> {
    const sequence = this.#sequence + 1;
    const written = await this.#file.write(encodeSlot(place, sequence), ((sequence - 1) % 2) * SLOT_BYTES);
    if (!written.ok) return written;
    this.#sequence = sequence;
    this.#isUnsynced = true;
    return this.#clock.monotonicMs() - this.#syncedMs < SYNC_EVERY_MS ? ok(undefined) : this.sync();
  }

  async sync(): Promise<Result<void, DiskError>> {
    if (!this.#isUnsynced) return ok(undefined);
    const synced = await this.#file.sync();
    if (!synced.ok) return synced;
    this.#isUnsynced = false;
    this.#syncedMs = this.#clock.monotonicMs();
    return synced;
  }

  async close(): Promise<void> {
    await this.sync();
    await this.#file.close();
  }
}

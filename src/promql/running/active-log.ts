// The log of active queries: a small file of slots, one for each query that runs. After a crash it says what the process was
// doing when it died. A slot is written when a query begins, by one write of a page and without a sync: it has to outlive the
// process, not the machine. When a short query ends the next one takes its slot, or it is blanked a moment later: queries that
// follow one another cost one write each.

import type { Clock, Disk, DiskFile, Log, Timer } from '../../base/index.ts';
import type { InterruptedQuery } from '../../model/index.ts';

/** One page of the file system; a longer expression is cut. */
export const SLOT_BYTES = 4096;
/** Of an expression, in UTF-16 units: at six bytes each, as JSON writes the worst of them, it leaves room for the rest. */
const EXPR_CHARS_MAX = 500;
/** Of who asked, likewise. */
const NAME_CHARS_MAX = 60;
/** A short query that ended so shortly before a crash may still be told. */
const BLANK_AFTER_MS = 100;
/** Of a query that took longer one more write is nothing: its slot is blanked at once. */
const SHORT_MS = 20;
/** Slots are freed by a write that is under way for a moment: some more than there are queries at once. */
const SPARE_SLOTS = 16;
/** A file larger than any that was ever written is no log of ours. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

export interface ActiveLog {
  /** What ran when the process before this one died. */
  readonly interrupted: readonly InterruptedQuery[];
  /** Notes a query; the result notes its end. Neither waits for the disk. */
  note(query: InterruptedQuery): () => void;
  /** The file is emptied: what still runs now is ended by a stop, not by a crash. */
  close(): Promise<void>;
}

export interface ActiveLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly path: string;
  readonly log: Log;
  /** That run at once. */
  readonly queriesMax: number;
}

/** Without the file, and with a warning, where it cannot be read or written: queries go on. */
export async function openActiveLog(options: ActiveLogOptions): Promise<ActiveLog> {
  const { disk, path, log } = options;
  const interrupted = await readInterrupted(options);
  for (const { expr, who, client, atMs } of interrupted)
    log.log('warn', 'This query was running when the process died', {
      expr,
      who,
      client,
      since: new Date(atMs).toISOString(),
    });
  const removed = await disk.remove(path);
  const opened =
    removed.ok || removed.error.code === 'disk-not-found' ? await disk.open(path, 'create') : removed;
  if (opened.ok) return new Slots(options, interrupted, opened.value);
  warn(
    options,
    'Cannot write the log of active queries: a crash will not say what was running',
    opened.error,
  );
  return { interrupted, note: () => () => {}, close: async () => {} };
}

function warn({ log, path }: ActiveLogOptions, message: string, cause: { readonly message: string }): void {
  log.log('warn', message, { path, cause: cause.message });
}

async function readInterrupted(options: ActiveLogOptions): Promise<readonly InterruptedQuery[]> {
  const { disk, path } = options;
  const stat = await disk.stat(path);
  if (stat.ok && stat.value.sizeBytes > FILE_BYTES_MAX) {
    warn(options, 'The log of active queries is not one, and is passed over', { message: 'it is too large' });
    return [];
  }
  const bytes = stat.ok ? await disk.readFile(path) : stat;
  if (!bytes.ok) {
    if (bytes.error.code !== 'disk-not-found')
      warn(options, 'Cannot read the log of active queries', bytes.error);
    return [];
  }
  const { queries, damaged } = parseActiveLog(bytes.value);
  if (damaged > 0)
    warn(options, 'The log of active queries is damaged, and is passed over where it is', {
      message: `${damaged} of its slots make no sense`,
    });
  return queries;
}

// --- the slots ------------------------------------------------------------------------------------

class Slots implements ActiveLog {
  readonly interrupted: readonly InterruptedQuery[];
  readonly #options: ActiveLogOptions;
  readonly #file: DiskFile;
  /** Blank, with no write under way. */
  readonly #free: number[];
  /** Of queries that have ended, not blanked yet. */
  readonly #ended: number[] = [];
  #blanking: Timer | undefined;
  readonly #writing = new Set<Promise<void>>();
  #failed = false;
  #closed = false;

  constructor(options: ActiveLogOptions, interrupted: readonly InterruptedQuery[], file: DiskFile) {
    this.interrupted = interrupted;
    this.#options = options;
    this.#file = file;
    this.#free = Array.from({ length: options.queriesMax + SPARE_SLOTS }, (_, i) => i).reverse();
  }

  note(query: InterruptedQuery): () => void {
    const slot = this.#closed ? undefined : (this.#ended.pop() ?? this.#free.pop());
    if (slot === undefined) return () => {};
    // Given to the disk before this returns: what the query does next may hold this thread up, not the write.
    void this.#write(slot, encodeSlot(query));
    let isOver = false;
    return () => {
      if (isOver || this.#closed) return;
      isOver = true;
      const { clock } = this.#options;
      if (clock.nowMs() - query.atMs >= SHORT_MS) this.#blank([slot]);
      else {
        this.#ended.push(slot);
        this.#blanking ??= clock.after(BLANK_AFTER_MS, () => this.#blankEnded());
      }
    };
  }

  /** Those whose slots nobody has taken meanwhile. */
  #blankEnded(): void {
    this.#blanking = undefined;
    this.#blank(this.#ended.splice(0));
  }

  /** Writes of one file are done in their order. */
  #blank(slots: readonly number[]): void {
    for (const slot of slots) void this.#write(slot, BLANK).then(() => this.#free.push(slot));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#blanking?.cancel();
    await Promise.all(this.#writing);
    await this.#file.truncate(0);
    await this.#file.close();
  }

  #write(slot: number, bytes: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const writing = this.#file.write(bytes, slot * SLOT_BYTES).then(written => {
      this.#writing.delete(writing);
      // Said once: a full disk would be said for each query.
      if (!written.ok && !this.#failed)
        warn(this.#options, 'Cannot write the log of active queries', written.error);
      this.#failed = !written.ok;
    });
    this.#writing.add(writing);
    return writing;
  }
}

// --- the file -------------------------------------------------------------------------------------

const SPACE = 0x20;
const LINE_END = 0x0a;

/** Spaces and a line end: the file can be looked at as text. */
function blank(): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES).fill(SPACE);
  bytes[SLOT_BYTES - 1] = LINE_END;
  return bytes;
}

const BLANK: Uint8Array = blank();

export function encodeSlot(query: InterruptedQuery): Uint8Array {
  const { expr, times, who, client, atMs } = query;
  const text = JSON.stringify({
    atMs,
    who: cut(who, NAME_CHARS_MAX),
    client: cut(client, NAME_CHARS_MAX),
    startMs: times.startMs,
    endMs: times.endMs,
    stepMs: times.stepMs,
    expr: cut(expr, EXPR_CHARS_MAX),
  });
  const bytes = blank();
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}

export function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

/** Whatever the bytes are. */
export function parseActiveLog(bytes: Uint8Array): {
  readonly queries: readonly InterruptedQuery[];
  readonly damaged: number;
} {
  const queries: InterruptedQuery[] = [];
  let damaged = 0;
  for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
    const slot = bytes.subarray(at, at + SLOT_BYTES);
    // A slot that was never written, in front of one that was, is zeros.
    if (slot.every(byte => byte === SPACE || byte === LINE_END || byte === 0)) continue;
    const query = parseSlot(new TextDecoder().decode(slot));
    if (query === undefined) damaged++;
    else queries.push(query);
  }
  return { queries, damaged };
}

function parseSlot(text: string): InterruptedQuery | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { expr, who, client } = fields;
  if (typeof expr !== 'string' || typeof who !== 'string' || typeof client !== 'string') return undefined;
  const [atMs, startMs, endMs, stepMs] = [
    fields['atMs'],
    fields['startMs'],
    fields['endMs'],
    fields['stepMs'],
  ];
  if (!isTime(atMs) || !isTime(startMs) || !isTime(endMs) || !isTime(stepMs)) return undefined;
  return { expr, who, client, atMs, times: { startMs, endMs, stepMs } };
}

/** What a Date can hold. */
const TIME_MS_MAX = 8.64e15;

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= TIME_MS_MAX;
}

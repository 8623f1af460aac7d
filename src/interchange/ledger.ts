// What has been imported into a store, a line each, beside the store: an import that was stopped goes on where it was. A line is
// written once what it names is durable; at worst a part is imported again, which changes nothing.

import { type Disk, type DiskError, type DiskFile, err, ok, type Result } from '../base/index.ts';

const HEADER = 'watchkeeper-imported 1\n';

export class Ledger {
  readonly #file: DiskFile;
  readonly #known: Set<string>;
  #bytes: number;

  private constructor(file: DiskFile, known: Set<string>, bytes: number) {
    this.#file = file;
    this.#known = known;
    this.#bytes = bytes;
  }

  /** Of whatever a crash left: an unfinished line at the end is cut off. A file of another kind is begun anew. */
  static async open(disk: Disk, path: string): Promise<Result<Ledger, DiskError>> {
    const read = await disk.readFile(path);
    if (!read.ok && read.error.code !== 'disk-not-found') return read;
    const text = read.ok ? new TextDecoder().decode(read.value) : '';
    const whole = text.startsWith(HEADER) ? text.slice(0, text.lastIndexOf('\n') + 1) : '';
    const opened = await disk.open(path, read.ok ? 'update' : 'create');
    if (!opened.ok) return opened;
    const file = opened.value;
    const encoder = new TextEncoder();
    const bytes = encoder.encode(whole).length;
    const begun = await begin(disk, file, { path, bytes });
    if (!begun.ok) {
      await file.close();
      return begun;
    }
    const known = new Set(whole.split('\n').slice(1, -1));
    return ok(new Ledger(file, known, begun.value));
  }

  has(line: string): boolean {
    return this.#known.has(line);
  }

  /** What follows the prefix in all lines that begin with it. */
  behind(prefix: string): readonly string[] {
    return [...this.#known].filter(line => line.startsWith(prefix)).map(line => line.slice(prefix.length));
  }

  /** Durable once this resolves `ok`. */
  async add(line: string): Promise<Result<void, DiskError>> {
    const bytes = new TextEncoder().encode(`${line}\n`);
    const written = await this.#file.write(bytes, this.#bytes);
    if (!written.ok) return written;
    const synced = await this.#file.sync();
    if (!synced.ok) return synced;
    this.#bytes += bytes.length;
    this.#known.add(line);
    return ok(undefined);
  }

  /** From now on nothing counts as imported. */
  async forget(): Promise<Result<void, DiskError>> {
    this.#known.clear();
    const cut = await this.#file.truncate(HEADER.length);
    if (!cut.ok) return cut;
    this.#bytes = HEADER.length;
    return this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Leaves so much of the file, and a header where that is nothing. Says how long it is then. */
async function begin(
  disk: Disk,
  file: DiskFile,
  { path, bytes }: { readonly path: string; readonly bytes: number },
): Promise<Result<number, DiskError>> {
  const cut = await file.truncate(bytes);
  if (!cut.ok) return cut;
  if (bytes > 0) return ok(bytes);
  const header = new TextEncoder().encode(HEADER);
  const written = await file.write(header, 0);
  if (!written.ok) return written;
  const synced = await file.sync();
  if (!synced.ok) return err(synced.error);
  const named = await disk.syncFolder(path.slice(0, Math.max(1, path.lastIndexOf('/'))));
  return named.ok ? ok(header.length) : named;
}

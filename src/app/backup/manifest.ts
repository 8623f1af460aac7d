// What stands in a snapshot's MANIFEST: of which time and format it is, and each file with its length and checksum.
// Lines of text (docs/formats/snapshot.md); the last one has the checksum of all before.

import { crc32c, err, ok, type Result } from '../../base/index.ts';

export const MANIFEST_FILE = 'MANIFEST';
const VERSION = 1;

export interface ManifestFile {
  /** Below the snapshot's folder, with "/". */
  readonly path: string;
  readonly bytes: number;
  readonly crc32c: number;
}

export interface Manifest {
  readonly takenAtMs: number;
  /** Of the program. */
  readonly program: string;
  readonly storeFormat: number;
  readonly stateVersion: number;
  readonly files: readonly ManifestFile[];
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const lines = [
    `watchkeeper-snapshot ${VERSION}`,
    `taken ${new Date(manifest.takenAtMs).toISOString()}`,
    `program ${manifest.program}`,
    `store-format ${manifest.storeFormat}`,
    `state-version ${manifest.stateVersion}`,
    ...manifest.files.map(({ path, bytes, crc32c: sum }) => `file ${hex(sum)} ${bytes} ${path}`),
  ];
  const body = lines.map(line => `${line}\n`).join('');
  return encoder.encode(`${body}end ${hex(sumOf(encoder.encode(body)))}\n`);
}

const encoder = new TextEncoder();

export function decodeManifest(bytes: Uint8Array): Result<Manifest, 'damaged' | 'newer'> {
  const text = new TextDecoder().decode(bytes);
  const version = /^watchkeeper-snapshot (\d{1,9})\n/.exec(text)?.[1];
  if (version !== undefined && Number(version) > VERSION) return err('newer');
  const end = /(?:^|\n)end ([0-9a-f]{8})\n$/.exec(text);
  const body = end === null ? '' : text.slice(0, text.length - 'end 01234567\n'.length);
  if (version === undefined || end?.[1] !== hex(sumOf(encoder.encode(body)))) return err('damaged');
  const [, taken, program, storeFormat, stateVersion, ...rest] = body.split('\n');
  const takenAtMs = Date.parse(/^taken (\S+)$/.exec(taken ?? '')?.[1] ?? '');
  const numbers = [
    /^store-format (\d{1,9})$/.exec(storeFormat ?? ''),
    /^state-version (\d{1,9})$/.exec(stateVersion ?? ''),
  ].map(match => Number(match?.[1] ?? Number.NaN));
  const files = rest.slice(0, -1).map(readFileLine);
  const known = files.flatMap(file => (file === undefined ? [] : [file]));
  const [format = Number.NaN, state = Number.NaN] = numbers;
  const isWhole = ![takenAtMs, format, state].some(Number.isNaN) && known.length === files.length;
  if (!isWhole) return err('damaged');
  return ok({
    takenAtMs,
    program: /^program (.*)$/.exec(program ?? '')?.[1] ?? '',
    storeFormat: format,
    stateVersion: state,
    files: known,
  });
}

function readFileLine(line: string): ManifestFile | undefined {
  const match = /^file ([0-9a-f]{8}) (\d{1,15}) (.+)$/.exec(line);
  const [, sum = '', bytes = '', path = ''] = match ?? [];
  return match !== null && isBelow(path)
    ? { path, bytes: Number(bytes), crc32c: Number.parseInt(sum, 16) }
    : undefined;
}

/** Whoever made the manifest: no path leads out of the folder. */
function isBelow(path: string): boolean {
  return !path.includes('\0') && path.split('/').every(part => part !== '' && part !== '.' && part !== '..');
}

function sumOf(bytes: Uint8Array): number {
  return crc32c(bytes, { from: 0, to: bytes.length });
}

function hex(sum: number): string {
  return (sum >>> 0).toString(16).padStart(8, '0');
}

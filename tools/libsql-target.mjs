// Which build of libsql is for this system: in place of what the package asks (tools/vite.program.mjs), which writes a whole report
// about the process and loads what starts others, to learn the C library. That stands at the beginning of Node's own file.

import { closeSync, openSync, readSync } from 'node:fs';

const ELSEWHERE = {
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
  'win32-x64': 'win32-x64-msvc',
};
const ABI = { gnu: { arm: 'gnueabihf' }, musl: { arm: 'musleabihf' } };
const HEAD_BYTES = 4096;

export function currentTarget() {
  const { platform, arch } = process;
  if (platform !== 'linux') {
    const target = ELSEWHERE[`${platform}-${arch}`];
    if (target === undefined) throw new Error(`libsql is not built for ${platform} on ${arch}`);
    return target;
  }
  const libc = hasMusl() ? 'musl' : 'gnu';
  return `linux-${arch}-${ABI[libc][arch] ?? libc}`;
}

/** The name of the loader stands in the head of an ELF file. */
function hasMusl() {
  const head = Buffer.alloc(HEAD_BYTES);
  try {
    const file = openSync(process.execPath, 'r');
    try {
      readSync(file, head, 0, HEAD_BYTES, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
  return head.includes('/ld-musl-');
}

/** What the package's own workarounds ask: nothing is left for them. */
export const GLIBC = 'glibc';
export const MUSL = 'musl';
export const familySync = () => null;
/** A build in the package's own folder: there is none. */
export const load = () => null;

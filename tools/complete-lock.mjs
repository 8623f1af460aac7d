// Adds to package-lock.json the optional packages of other platforms that npm left out. npm drops an optional package
// that the registry in use cannot show it (a mirror may hold only its own platform's), and `npm ci` then refuses the
// lock file everywhere. Version and platform are known from the parent: run this after each change of dependencies.
//   node tools/complete-lock.mjs

import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = {
  arm64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  arm: 'arm',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
};

let added = 0;
for (const [parentPath, parent] of Object.entries(lock.packages)) {
  if (parentPath === '') continue;
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined || !/^\d/.test(version)) continue;
    const words = name.split('/').at(-1).split('-');
    const os = SYSTEMS.find(system => words.includes(system));
    const processor = Object.keys(PROCESSORS).find(one => words.some(word => word === one));
    if (os === undefined || processor === undefined) continue;
    const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : undefined;
    lock.packages[key] = {
      version,
      cpu: [PROCESSORS[processor]],
      ...(parent.dev ? { dev: true } : {}),
      ...(libc === undefined ? {} : { libc }),
      optional: true,
      os: [os],
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} optional packages of other platforms added\n`);

// The store over days of scrapes, in a process of its own.

import { spawn } from 'node:child_process';
import { withBundle } from './soak-bundle.mjs';

export async function soakStore(options) {
  const hours = Number(options.hours ?? 24);
  if (!(hours >= 1)) {
    process.stderr.write('soak: --hours is a number of at least 1\n');
    return 2;
  }
  return withBundle('soak-store', program => {
    const child = spawn(process.execPath, [program, String(hours)], { stdio: 'inherit' });
    return new Promise(resolve => child.on('close', code => resolve(code ?? 1)));
  });
}

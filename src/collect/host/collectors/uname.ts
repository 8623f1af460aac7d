// uname: what the kernel calls itself and this host.

import { type CollectorKind, failed, OK } from '../kind.ts';

/** Label → file under /proc/sys/kernel. */
const FILES = [
  ['sysname', 'ostype'],
  ['release', 'osrelease'],
  ['version', 'version'],
  ['nodename', 'hostname'],
  ['domainname', 'domainname'],
] as const;

export const uname: CollectorKind = {
  name: 'uname',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const texts = await Promise.all(
      FILES.map(([, file]) => host.files.line(host.proc(`sys/kernel/${file}`))),
    );
    if (texts.every(text => text === undefined)) return failed('nothing of "sys/kernel" could be read');
    const labels = Object.fromEntries(FILES.map(([label], i) => [label, texts[i] ?? '']));
    const help = 'What uname says, as labels.';
    page.gauge('node_uname_info', help, 1, { ...labels, machine: host.facts.machine });
    return OK;
  },
};

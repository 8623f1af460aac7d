// os: name and version of the distribution; selinux: whether and how it is on.

import { absent, type CollectorKind, OK } from '../kind.ts';
import { lines } from '../text.ts';

const FIELDS =
  'build_id id id_like image_id image_version name pretty_name variant variant_id version version_codename version_id'.split(
    ' ',
  );

/** KEY=value lines, values perhaps in quotes with backslash escapes. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines(text)) {
    const match = /^\s*([A-Z_0-9]+)=(.*)$/.exec(line);
    if (match === null) continue;
    const raw = (match[2] ?? '').trim();
    const quoted = /^"(.*)"$|^'(.*)'$/.exec(raw);
    const value = quoted === null ? raw : (quoted[1] ?? quoted[2] ?? '');
    fields.set((match[1] ?? '').toLowerCase(), value.replace(/\\(["'$`\\])/g, '$1'));
  }
  return fields;
}

export const os: CollectorKind = {
  name: 'os',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const texts = await Promise.all(
      ['/etc/os-release', '/usr/lib/os-release'].map(path => host.files.text(host.root(path))),
    );
    const text = texts.find(one => one !== undefined);
    if (text === undefined) return absent('no os-release');
    const fields = parseOsRelease(text);
    const get = (name: string): string => fields.get(name) ?? '';
    page.gauge(
      'node_os_info',
      'What os-release says.',
      1,
      Object.fromEntries(FIELDS.map(name => [name, get(name)])),
    );
    const version = /^\d+\.?\d*/.exec(get('version_id'))?.[0];
    const labels = { id: get('id'), id_like: get('id_like'), name: get('name') };
    const help = 'Major and minor version as a number.';
    page.gauge('node_os_version', help, version === undefined ? undefined : Number(version), labels);
    const end = /^(\d{4})-(\d{2})-(\d{2})$/.exec(get('support_end'));
    if (end !== null) {
      const seconds = Date.UTC(Number(end[1]), Number(end[2]) - 1, Number(end[3])) / 1000;
      page.gauge('node_os_support_end_timestamp_seconds', 'When support of this version ends.', seconds);
    }
    return OK;
  },
};

const CONFIG_MODES: Readonly<Record<string, number>> = { enforcing: 1, permissive: 0, disabled: -1 };

export const selinux: CollectorKind = {
  name: 'selinux',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const enforce = await host.files.uint(host.sys('fs/selinux/enforce'));
    page.gauge('node_selinux_enabled', 'Whether SELinux is on.', enforce === undefined ? 0 : 1);
    if (enforce === undefined) return OK;
    const config = await host.files.text(host.root('/etc/selinux/config'));
    const mode = /^\s*SELINUX\s*=\s*(\w+)/m.exec(config ?? '')?.[1];
    page.gauge(
      'node_selinux_config_mode',
      'Mode as configured.',
      CONFIG_MODES[mode?.toLowerCase() ?? ''] ?? -1,
    );
    page.gauge('node_selinux_current_mode', 'Mode now.', enforce);
    return OK;
  },
};

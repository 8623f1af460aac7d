// systemd: states of units. node_exporter asks over D-Bus; here systemctl is asked, twice a collection at most.

import { absent, type CollectorKind, failed, type Host, OK, type Outcome } from '../kind.ts';
import type { Page } from '../page.ts';
import { lines, words } from '../text.ts';

const STATES = ['activating', 'active', 'deactivating', 'failed', 'inactive'] as const;

/** systemctl answers in some 20 ms; a manager that hangs must not hold the page. */
const SYSTEMCTL_TIMEOUT_MS = 3000;

/** Some 150 bytes a unit: room for 50,000 units. */
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;

export interface Unit {
  readonly name: string;
  readonly activeState: string;
  readonly type: string;
}

/** Blocks of "Key=value" lines, one a unit, separated by empty lines. */
export function parseShow(text: string): Unit[] {
  return text.split(/\n\n+/).flatMap(block => {
    const fields = new Map(
      lines(block).map(line => {
        const equals = line.indexOf('=');
        return [line.slice(0, equals), line.slice(equals + 1)] as const;
      }),
    );
    const name = fields.get('Id');
    const activeState = fields.get('ActiveState');
    // Units that are named somewhere but do not exist are no news.
    if (name === undefined || activeState === undefined || fields.get('LoadState') !== 'loaded') return [];
    return [{ name, activeState, type: fields.get('Type') ?? '' }];
  });
}

export const systemd: CollectorKind = {
  name: 'systemd',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const included = host.matcher(`^(?:${host.settings.systemdUnitsInclude})$`);
    const excluded = host.matcher(`^(?:${host.settings.systemdUnitsExclude})$`);
    return async (page, signal) => {
      // The folder exists exactly where systemd runs as the system's manager (sd_booted(3)).
      if ((await host.files.kind(host.root('/run/systemd/system'))) !== 'folder')
        return absent('systemd does not run here');
      const shown = await systemctl(host, signal, [
        'show',
        '--all',
        '--property=Id,ActiveState,LoadState,Type',
        '*',
      ]);
      if (typeof shown !== 'string') return shown;
      const units = parseShow(shown);
      if (units.length === 0) return failed('systemctl named no units');
      addUnits(page, units, unit => included(unit.name) && !excluded(unit.name));
      const manager = await systemctl(host, signal, ['show', '--property=Version,SystemState']);
      if (typeof manager === 'string') addManager(page, manager);
      return OK;
    };
  },
};

function addUnits(page: Page, units: readonly Unit[], wanted: (unit: Unit) => boolean): void {
  for (const state of STATES) {
    const count = units.filter(unit => unit.activeState === state).length;
    page.gauge('node_systemd_units', 'Units by state.', count, { state });
  }
  for (const unit of units.filter(wanted)) {
    for (const state of STATES) {
      const value = unit.activeState === state ? 1 : 0;
      const help = 'The state of each unit has the value 1.';
      page.gauge('node_systemd_unit_state', help, value, { name: unit.name, state, type: unit.type });
    }
  }
}

function addManager(page: Page, text: string): void {
  const version = /^Version=(.*)$/m.exec(text)?.[1] ?? '';
  const number = /\d{3,}(\.\d+)?/.exec(version)?.[0];
  page.gauge(
    'node_systemd_version',
    'Version of systemd.',
    number === undefined ? undefined : Number(number),
    { version },
  );
  const state = /^SystemState=(.*)$/m.exec(text)?.[1];
  if (state === undefined) return;
  page.gauge(
    'node_systemd_system_running',
    'Whether the system runs without failed units.',
    state === 'running' ? 1 : 0,
  );
}

async function systemctl(
  host: Host,
  signal: AbortSignal,
  args: readonly string[],
): Promise<string | Outcome> {
  const ran = await host.exec.run(
    {
      argv: ['systemctl', ...args],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' },
      timeoutMs: SYSTEMCTL_TIMEOUT_MS,
      killGraceMs: 500,
      outputBytesMax: OUTPUT_BYTES_MAX,
    },
    signal,
  );
  if (!ran.ok) return failed(`running "systemctl": ${ran.error.message}`);
  const { exitCode, timedOut, truncated, stdout, stderr } = ran.value;
  if (timedOut) return failed(`running "systemctl": no answer within ${SYSTEMCTL_TIMEOUT_MS} ms`);
  if (truncated) return failed('running "systemctl": its output is larger than the limit');
  const decoder = new TextDecoder();
  if (exitCode !== 0)
    return failed(`running "systemctl": ${words(decoder.decode(stderr)).join(' ') || `exit ${exitCode}`}`);
  return decoder.decode(stdout);
}

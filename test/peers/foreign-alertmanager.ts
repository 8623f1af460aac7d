// Debian's Alertmanager as a process that others send alerts to: on a port of loopback, without a cluster, ended by its process.

import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Folder, until } from '../e2e/support.ts';

const BINARY = 'prometheus-alertmanager';
const isPresent = spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;

/** In CI it must be there. */
export const isSkipped = !isPresent && process.env['CI'] !== 'true';
export const PEER_NAME = `beside ${BINARY}${isPresent ? '' : ' (not installed)'}`;

/** An alert as its API shows it. */
export interface ForeignAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

export interface ForeignAlertmanager {
  /** Those that are not resolved, by alertname. */
  alerts(): Promise<readonly ForeignAlert[]>;
  /** Stands still, or goes on: a machine that is away, and remembers. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Tells nobody of what it gets. `prefix` is where its API stands. */
export async function startAlertmanager(
  folder: Folder,
  { name, port, prefix = '' }: { readonly name: string; readonly port: number; readonly prefix?: string },
): Promise<ForeignAlertmanager> {
  const config = folder.write(`${name}.yml`, 'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n');
  const child = spawn(
    BINARY,
    [
      `--config.file=${config}`,
      `--storage.path=${join(folder.path, name)}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--web.route-prefix=${prefix === '' ? '/' : prefix}`,
      '--cluster.listen-address=',
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const closed = new Promise<void>(resolve => child.on('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await closed;
  };
  const url = `http://127.0.0.1:${port}${prefix}`;
  await until(`Alertmanager ${name} is ready`, async () => {
    if (child.exitCode !== null) throw new Error(`Alertmanager ended with ${child.exitCode}`);
    const response = await fetch(`${url}/-/ready`).catch(() => undefined);
    return response?.status === 200;
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    async alerts() {
      const response = await fetch(`${url}/api/v2/alerts`);
      const found = (await response.json()) as readonly ForeignAlert[];
      const nameOf = ({ labels }: ForeignAlert): string => labels['alertname'] ?? '';
      return [...found].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop,
  };
}

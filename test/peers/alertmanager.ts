// Debian's Alertmanager beside the real program: on a port of loopback, without a cluster, ended by its process.

import { join } from 'node:path';
import type { Folder } from '../e2e/support.ts';
import { freePort, lookFor, type Peer, type PeerProcess, startPeer } from './peer-process.ts';

const PROGRAM = 'prometheus-alertmanager';

export const { isSkipped: isAlertmanagerMissing, peerName: ALERTMANAGER_NAME } = lookFor(PROGRAM);

/** On a free port. */
export async function startAlertmanager(folder: Folder, config: string): Promise<Peer> {
  return start(folder, { name: 'alertmanager', config, port: await freePort() });
}

/** An alert as its API shows it. */
export interface ForeignAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

/** One that others send alerts to. */
export interface ForeignAlertmanager {
  /** Those that are not resolved, by alertname. */
  alerts(): Promise<readonly ForeignAlert[]>;
  /** Stands still, or goes on: a machine that is away, and remembers. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Tells nobody of what it gets. `prefix` is where its API stands. */
export async function startForeignAlertmanager(
  folder: Folder,
  at: { readonly name: string; readonly port: number; readonly prefix?: string },
): Promise<ForeignAlertmanager> {
  const config = 'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n';
  const { url, child, stop } = await start(folder, { ...at, config });
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

/** `name` is of its files in the folder. */
function start(
  folder: Folder,
  {
    name,
    config,
    port,
    prefix = '',
  }: { readonly name: string; readonly config: string; readonly port: number; readonly prefix?: string },
): Promise<PeerProcess> {
  return startPeer(PROGRAM, {
    url: `http://127.0.0.1:${port}${prefix}`,
    args: [
      `--config.file=${folder.write(`${name}.yml`, config)}`,
      `--storage.path=${join(folder.path, name)}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--web.route-prefix=${prefix === '' ? '/' : prefix}`,
      '--cluster.listen-address=',
      // Else it refuses to answer more than a few questions at once.
      '--web.get-concurrency=500',
      '--log.level=error',
    ],
  });
}

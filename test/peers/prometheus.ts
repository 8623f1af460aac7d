// Debian's Prometheus beside the real program: started on a free port of loopback, ended by its process.

import { join } from 'node:path';
import type { Folder } from '../e2e/support.ts';
import { freePort, lookFor, type Peer, startPeer } from './peer-process.ts';

export { freePort, type Peer } from './peer-process.ts';

const PROGRAM = 'prometheus';
export const { isSkipped, peerName: PEER_NAME } = lookFor(PROGRAM);

/** `configOf` gets the port that it listens on. */
export async function startPrometheus(
  folder: Folder,
  configOf: (port: number) => string,
  args: readonly string[] = [],
): Promise<Peer> {
  const port = await freePort();
  return startPrometheusAt(port, { folder, config: configOf(port), args });
}

/** On a port that it has had before, with the data of then. */
export function startPrometheusAt(
  port: number,
  {
    folder,
    config,
    args,
  }: { readonly folder: Folder; readonly config: string; readonly args: readonly string[] },
): Promise<Peer> {
  return startPeer(PROGRAM, {
    url: `http://127.0.0.1:${port}`,
    args: [
      `--config.file=${folder.write('prometheus.yml', config)}`,
      `--storage.tsdb.path=${join(folder.path, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
      ...args,
    ],
  });
}

// All that the system needs of the outside world: real in cli/, faked in the simulation.

import type {
  Clock,
  Disk,
  Dns,
  Exec,
  Http,
  HttpServer,
  Log,
  Mail,
  Random,
  Result,
  StartThread,
} from '../base/index.ts';
import type { HostFacts } from '../collect/host/index.ts';
import type { StateStore } from '../model/index.ts';

/** Facts about this process for its own metrics. */
export interface OwnFacts {
  readonly nodeVersion: string;
  residentBytes(): number;
  heapBytes(): number;
  cpuSeconds(): number;
}

export interface SystemPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly http: Http;
  readonly dns: Dns;
  readonly httpServer: HttpServer;
  readonly mail: Mail;
  readonly exec: Exec;
  readonly log: Log;
  readonly hostFacts: HostFacts;
  readonly ownFacts: OwnFacts;
  readonly env: Readonly<Record<string, string>>;
  /** Opens the state database in the data folder. */
  openState(folder: string): Promise<Result<StateStore, { readonly message: string }>>;
  /** Starts a thread that runs `block-thread.ts`; without it blocks are made in slices beside everything else. */
  readonly startBlockThread?: StartThread;
  /** A file of the built page, by its path in the URL. */
  asset(path: string): Promise<{ readonly type: string; readonly bytes: Uint8Array } | undefined>;
}

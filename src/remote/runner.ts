// Samples to other stores: which queues there are, over reloads and restarts, and what of the log they still need.

import {
  type Clock,
  type Disk,
  type DiskError,
  expectOk,
  type Http,
  type Log,
  type LogFields,
  type Random,
  type Result,
} from '../base/index.ts';
import type { RelabelRule } from '../config/index.ts';
import { type CompiledRelabelRule, compileRelabelRules } from '../exposition/index.ts';
import {
  type AcceptedLog,
  comparePlaces,
  type Effects,
  type LogPlace,
  type MetricMetadata,
  type Metrics,
} from '../model/index.ts';
import { remoteMetrics } from './metrics.ts';
import { newestSlot, PlaceFile, type QueuePlace } from './place-file.ts';
import { type QueuePorts, type QueueStatus, WriteQueue } from './queue.ts';
import type { RemoteWriteTarget } from './settings.ts';
import { shownUrl } from './shown-url.ts';

export interface RemotePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly http: Http;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly accepted: AcceptedLog;
  readonly metadata: () => readonly MetricMetadata[];
  /** A shadow run sends nothing, and leaves alone what another run has to send. */
  readonly effects: Effects;
  /** Where the queues' places are kept. */
  readonly folder: string;
  readonly userAgent: string;
}

export interface RemoteWriter {
  /** Queues whose settings stay go on, changed ones go on with the new settings, others come and go. */
  load(targets: readonly RemoteWriteTarget[]): Promise<void>;
  status(): readonly QueueStatus[];
  /** What waits is tried once more within `graceMs`; the rest is sent after the next start. */
  stop(graceMs: number): Promise<void>;
}

export function createRemoteWriter(ports: RemotePorts): RemoteWriter {
  return new Writer(ports);
}

/** A queue that a reload changes or takes out may finish what is under way; the reload waits for it. */
const LEAVE_GRACE_MS = 2000;
const EXTENSION = '.place';

class Writer implements RemoteWriter {
  readonly #ports: RemotePorts;
  readonly #queuePorts: QueuePorts;
  #queues: WriteQueue[] = [];
  /** Queues that could not be opened: nothing of the log may go before they have been. */
  #isWhole = true;
  #loading: Promise<void> = Promise.resolve();

  constructor(ports: RemotePorts) {
    this.#ports = ports;
    this.#queuePorts = { ...ports, metrics: remoteMetrics(ports.metrics) };
  }

  load(targets: readonly RemoteWriteTarget[]): Promise<void> {
    this.#loading = this.#loading.then(() =>
      this.#ports.effects === 'shadow' ? this.#shadow(targets) : this.#load(targets),
    );
    return this.#loading;
  }

  status(): readonly QueueStatus[] {
    return this.#queues.map(queue => queue.status());
  }

  async stop(graceMs: number): Promise<void> {
    await this.#loading;
    await Promise.all(this.#queues.map(queue => queue.stop(graceMs)));
    this.#queues = [];
  }

  async #load(targets: readonly RemoteWriteTarget[]): Promise<void> {
    const { accepted } = this.#ports;
    // What comes while the queues are opened is for the new ones too.
    const end = accepted.end();
    const before = this.#queues;
    const staying = before.filter(queue =>
      targets.some(({ id, key }) => id === queue.id && key === queue.key),
    );
    await Promise.all(
      before.filter(queue => !staying.includes(queue)).map(queue => queue.stop(LEAVE_GRACE_MS)),
    );
    const queues: WriteQueue[] = [];
    this.#isWhole = true;
    for (const target of targets) {
      const stays = staying.find(({ id }) => id === target.id);
      const queue = stays ?? (await this.#open(target, end));
      if (queue === undefined) this.#isWhole = false;
      else queues.push(queue);
    }
    this.#queues = queues;
    await this.#removeOthers(targets);
    this.#hold();
  }

  async #open(target: RemoteWriteTarget, end: LogPlace): Promise<WriteQueue | undefined> {
    const { folder, log } = this.#ports;
    const about = { remote_name: target.name, url: shownUrl(target.url) };
    const made = await this.#makeFolder();
    const path = this.#pathOf(target.id);
    const opened = made.ok ? await PlaceFile.open(this.#ports, { folder, path }) : made;
    if (!opened.ok) {
      const { error } = opened;
      log.log('error', 'remote write does not start: its file cannot be opened; a reload tries again', {
        ...about,
        cause: `${error.op} "${error.path}": ${error.message}`,
      });
      return undefined;
    }
    const { file, found } = opened.value;
    if (found.kind === 'damaged')
      log.log(
        'error',
        'how far remote write had come is not known any more: all that the log still has is sent again',
        {
          ...about,
          file: path,
        },
      );
    const known = found.kind === 'known' ? this.#withinLog(found.place, about) : undefined;
    const { from, intent } = known ?? { from: found.kind === 'new' ? end : OLDEST, intent: undefined };
    // Known before anything is read: a crash at once must not begin at the end of the log anew.
    if (found.kind !== 'known' || known !== found.place) {
      await file.note({ from, intent });
      await file.sync();
    }
    return new WriteQueue(this.#queuePorts, {
      target,
      rules: compiled(target.relabel),
      file,
      from,
      intent,
      onSegment: () => this.#hold(),
    });
  }

  /** The place as it is, unless the log has become another one since: then it is sent from its beginning. */
  #withinLog(place: QueuePlace, about: LogFields): QueuePlace {
    const end = this.#ports.accepted.end();
    if (comparePlaces(place.from, end) <= 0) return place;
    // What lay behind the end of the last segment went with a loss of power.
    if (place.from.segment === end.segment) return { from: end, intent: undefined };
    this.#ports.log.log('warn', 'the log is not the one that was sent before: all of it is sent', about);
    return { from: OLDEST, intent: undefined };
  }

  /** Its own name must survive a loss of power, too: without it each queue would begin at the end of the log. */
  async #makeFolder(): Promise<Result<void, DiskError>> {
    const { disk, folder } = this.#ports;
    const made = await disk.makeFolder(folder);
    return made.ok ? disk.syncFolder(folder.slice(0, folder.lastIndexOf('/'))) : made;
  }

  /** Files of queues that the configuration no longer has. */
  async #removeOthers(targets: readonly RemoteWriteTarget[]): Promise<void> {
    const { disk, folder, log } = this.#ports;
    const names = await disk.list(folder);
    for (const name of names.ok ? names.value : []) {
      if (!name.endsWith(EXTENSION) || targets.some(({ id }) => name === id + EXTENSION)) continue;
      const place = await this.#placeIn(name);
      const unsentBytes = place === undefined ? 0 : this.#ports.accepted.bytesBehind(place);
      const removed = await disk.remove(`${folder}/${name}`);
      if (removed.ok)
        log.log('info', 'a remote write is no longer configured: what it had not sent is forgotten', {
          file: name,
          unsentBytes,
        });
    }
  }

  async #shadow(targets: readonly RemoteWriteTarget[]): Promise<void> {
    const { disk, folder, log, accepted } = this.#ports;
    if (targets.length > 0)
      log.log('info', 'a shadow run sends no samples to others: remote_write is passed over', {
        targets: targets.length,
      });
    const names = await disk.list(folder);
    const places = new Map<string, LogPlace>();
    for (const name of names.ok ? names.value : []) {
      const place = name.endsWith(EXTENSION) ? await this.#placeIn(name) : undefined;
      if (place !== undefined) places.set(name, place);
    }
    accepted.hold(places);
  }

  async #placeIn(name: string): Promise<LogPlace | undefined> {
    const read = await this.#ports.disk.readFile(`${this.#ports.folder}/${name}`);
    return read.ok ? newestSlot(read.value)?.place.from : undefined;
  }

  #hold(): void {
    if (this.#isWhole) this.#ports.accepted.hold(new Map(this.#queues.map(({ id, place }) => [id, place])));
  }

  #pathOf(id: string): string {
    return `${this.#ports.folder}/${id}${EXTENSION}`;
  }
}

const OLDEST: LogPlace = { segment: 0, offset: 0 };

function compiled(rules: readonly RelabelRule[]): readonly CompiledRelabelRule[] {
  // Configuration has checked the expressions.
  return expectOk(compileRelabelRules(rules));
}

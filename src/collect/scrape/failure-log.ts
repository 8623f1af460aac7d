// scrape_failure_log_file: each failed scrape as a line of JSON in a file that the job names. Lines go out in their order, one
// write at a time; a file that cannot be written is said once, and the scrapes go on.

import type { Clock, Disk, Log } from '../../base/index.ts';

export interface FailedScrape {
  readonly job: string;
  readonly url: string;
  readonly error: string;
}

/** Lines that wait while the disk does not take them: beyond it the oldest are lost, and counted in the next one. */
const WAITING_MAX = 1000;

export class FailureLog {
  readonly #ports: { readonly clock: Clock; readonly disk: Disk; readonly log: Log };
  readonly #files = new Map<
    string,
    { lines: string[]; lost: number; writing: boolean; saidProblem: boolean }
  >();

  constructor(ports: { readonly clock: Clock; readonly disk: Disk; readonly log: Log }) {
    this.#ports = ports;
  }

  /** Returns at once. The file is opened for each write, so that it may be moved away at any time. */
  note(path: string, { job, url, error }: FailedScrape): void {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = { lines: [], lost: 0, writing: false, saidProblem: false };
      this.#files.set(path, file);
    }
    const time = new Date(this.#ports.clock.nowMs()).toISOString();
    // The keys of Prometheus's.
    const line = { time, level: 'ERROR', msg: error, job_name: job, target: url };
    file.lines.push(`${JSON.stringify(line)}\n`);
    if (file.lines.length > WAITING_MAX) {
      file.lines.shift();
      file.lost++;
    }
    if (!file.writing) void this.#write(path, file);
  }

  async #write(
    path: string,
    file: { lines: string[]; lost: number; writing: boolean; saidProblem: boolean },
  ): Promise<void> {
    const { disk, log } = this.#ports;
    file.writing = true;
    while (file.lines.length > 0) {
      const lines = file.lines.splice(0);
      const opened = await disk.open(path, 'append');
      const text = new TextEncoder().encode(lines.join(''));
      const written = opened.ok ? await opened.value.write(text) : opened;
      if (opened.ok) await opened.value.close();
      if (!written.ok && !file.saidProblem) {
        log.log('error', 'Cannot write scrape_failure_log_file', { path, cause: written.error.message });
      }
      file.saidProblem = !written.ok;
      if (!written.ok) file.lost += lines.length;
      else if (file.lost > 0) {
        log.log('warn', 'Lines of scrape_failure_log_file are lost', { path, lines: file.lost });
        file.lost = 0;
      }
    }
    file.writing = false;
  }
}

// What the operating system says without /proc: implemented over node:os in os/, faked in tests.

/** Times since start in milliseconds. */
export interface CpuTimes {
  readonly userMs: number;
  readonly niceMs: number;
  readonly systemMs: number;
  readonly idleMs: number;
  readonly irqMs: number;
}

export interface HostFacts {
  /** node's process.platform: "linux", "darwin", … */
  readonly platform: string;
  /** As `uname -m` gives it: "x86_64", "arm64". */
  readonly machine: string;
  /** As `uname -s`, `-r` and `-v` give them. */
  readonly systemName: string;
  readonly release: string;
  readonly version: string;
  hostname(): string;
  cpus(): readonly CpuTimes[];
  totalMemoryBytes(): number;
  freeMemoryBytes(): number;
  /** Over 1, 5 and 15 minutes. */
  loadAverages(): readonly [one: number, five: number, fifteen: number];
  uptimeSeconds(): number;
  /** Short name and offset east of UTC of the local time zone at that time. */
  timeZone(nowMs: number): { readonly name: string; readonly offsetSeconds: number };
}

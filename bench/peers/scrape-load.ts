// The watched side of the benches that scrape: targets in a process of their own, and the configuration that names them.

import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinnable, type System } from './systems.ts';

export interface Pages {
  readonly ports: readonly number[];
  readonly pid: number;
  /** Pages so far. */
  served(): Promise<number>;
  end(): void;
}

export async function startPages(targets: number, series: number): Promise<Pages> {
  const child = fork('tools/soak-memory-pages.mjs', [String(targets), String(series), 'gzip'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [line] = await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return {
    ports: JSON.parse(String(line)) as readonly number[],
    pid: child.pid as number,
    served: async () => {
      child.send('served');
      const [answer] = (await once(child, 'message')) as [{ readonly served: number }];
      return answer.served;
    },
    end: () => void child.kill('SIGKILL'),
  };
}

/** Keeps the targets off the core of what is measured. */
export function keepPagesOff(pages: Pages): void {
  if (pinnable) spawnSync('taskset', ['-pc', '1', String(pages.pid)]);
}

/** Each scrapes these targets each second, and nothing else: ours would watch this host too. */
export function scrapeConfig(system: System, folder: string, ports: readonly number[]): string {
  const path = join(folder, system.name === 'watchkeeper' ? 'watchkeeper.yml' : 'scrape.yml');
  const own = system.name === 'watchkeeper' ? 'host: { enabled: false }\nrule_files: []\n' : '';
  const targets = ports.map(port => `'127.0.0.1:${port}'`).join(', ');
  writeFileSync(
    path,
    `${own}global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n  - job_name: bench\n    static_configs:\n      - targets: [${targets}]\n`,
  );
  return path;
}

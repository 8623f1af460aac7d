// cpufreq: current and permitted frequencies of each CPU, and its governor.

import { absent, type CollectorKind, OK } from '../kind.ts';
import { trailingDigits, words } from '../text.ts';

const FREQUENCIES = [
  ['cpuinfo_cur_freq', 'node_cpu_frequency_hertz', 'Frequency of each CPU in hertz.'],
  ['cpuinfo_min_freq', 'node_cpu_frequency_min_hertz', 'Lowest frequency of each CPU in hertz.'],
  ['cpuinfo_max_freq', 'node_cpu_frequency_max_hertz', 'Highest frequency of each CPU in hertz.'],
  ['scaling_cur_freq', 'node_cpu_scaling_frequency_hertz', 'Frequency of each CPU as scaled, in hertz.'],
  [
    'scaling_min_freq',
    'node_cpu_scaling_frequency_min_hertz',
    'Lowest scaled frequency of each CPU in hertz.',
  ],
  [
    'scaling_max_freq',
    'node_cpu_scaling_frequency_max_hertz',
    'Highest scaled frequency of each CPU in hertz.',
  ],
] as const;

export const cpufreq: CollectorKind = {
  name: 'cpufreq',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const folder = host.sys('devices/system/cpu');
    return async page => {
      const names = (await host.files.matching(folder, /^cpu\d+$/)) as readonly string[];
      let found = 0;
      for (const name of names) {
        const files = new Set(await host.files.list(`${folder}/${name}/cpufreq`));
        if (files.size === 0) continue;
        found++;
        const cpu = trailingDigits(name);
        const read = (file: string): Promise<string | undefined> =>
          files.has(file) ? host.files.line(`${folder}/${name}/cpufreq/${file}`) : Promise.resolve(undefined);
        const texts = await Promise.all(FREQUENCIES.map(([file]) => read(file)));
        FREQUENCIES.forEach(([, metric, help], i) => {
          const text = texts[i];
          // The kernel counts in kHz.
          const hertz = text !== undefined && /^\d+$/.test(text) ? Number(text) * 1000 : undefined;
          page.gauge(metric, help, hertz, { cpu });
        });
        const [available, current] = await Promise.all([
          read('scaling_available_governors'),
          read('scaling_governor'),
        ]);
        for (const governor of words(available ?? '')) {
          const help = 'The governor in charge of each CPU has the value 1.';
          page.gauge('node_cpu_scaling_governor', help, governor === current ? 1 : 0, { cpu, governor });
        }
      }
      return found > 0 || names.length > 0 ? OK : absent('no CPU folders');
    };
  },
};

// watchkeeper import: what others stored becomes ours. One file a subcommand.

import { importOpenMetricsCommand } from './import-openmetrics.ts';
import { importPrometheusCommand } from './import-prometheus.ts';
import { commandGroup } from './subcommand.ts';

export const importCommand = commandGroup({
  name: 'import',
  says: 'take over what others have stored',
  subcommands: [importPrometheusCommand, importOpenMetricsCommand],
});

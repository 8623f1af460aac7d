// file_sd_configs. Files with target groups, watched.

import { duration, filePath, list, optionals, type RecordOf, record } from '../../schema.ts';
import { checked, requireEntries } from '../../shared/checks.ts';

const fields = optionals({
  files: list(
    filePath(
      checked('file name ending in .json, .yml or .yaml', value =>
        /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/.test(value)
          ? undefined
          : `Cannot use the file name "${value}": it must end in .json, .yml or .yaml, with "*" in its last part only`,
      ),
    ),
  ),
  refresh_interval: duration(),
});

export type FileDiscovery = RecordOf<typeof fields>;

export const fileDiscoverySchema = record(fields, (value, context, node) =>
  requireEntries(node, context, { files: value.files }),
);

export const file = { key: 'file_sd_configs', schema: fileDiscoverySchema, carriedOut: false };

// file_sd_configs. Files with target groups, watched.

import { duration, filePath, list, optionals } from '../../schema.ts';
import { checked, requireEntries } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const file = discoveryKind(
  'file_sd_configs',
  optionals({
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
  }),
  (value, context, node) => requireEntries(node, context, { files: value.files }),
);

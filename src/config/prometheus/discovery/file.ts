// file_sd_configs. Files with target groups, watched.

import { duration, list, optionals } from '../../schema.ts';
import { checked, reportAt } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const file = discoveryKind(
  'file_sd_configs',
  optionals({
    files: list(
      checked('file name ending in .json, .yml or .yaml', value =>
        /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/.test(value)
          ? undefined
          : `Cannot use the file name "${value}": it must end in .json, .yml or .yaml, with "*" in its last part only`,
      ),
    ),
    refresh_interval: duration(),
  }),
  (value, context, node) => {
    if ((value.files ?? []).length === 0) {
      reportAt(node, 'files', context, {
        message: 'Cannot do without files: file_sd_configs must contain at least one path',
      });
    }
  },
);

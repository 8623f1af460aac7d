// jira_configs. Jira issues.

import { isMap } from 'yaml';
import type { Kind } from '../../registry.ts';
import {
  anything,
  boolean,
  duration,
  list,
  mapOf,
  optionals,
  record,
  type Schema,
  text,
} from '../../schema.ts';
import { httpUrl, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

/** A template, or one with settings of its own. */
function templateField(): Schema<unknown> {
  const detailed = record(optionals({ template: text(), enable_update: boolean() }));
  return {
    says: 'template',
    read: (node, context) => (isMap(context.resolve(node)) ? detailed : text()).read(node, context),
  };
}

export const jira: Kind<unknown> = {
  key: 'jira_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_url: httpUrl(),
      api_type: text({ oneOf: ['auto', 'cloud', 'datacenter'] }),
      project: text(),
      summary: templateField(),
      description: templateField(),
      labels: list(text()),
      priority: text(),
      issue_type: text(),
      reopen_transition: text(),
      resolve_transition: text(),
      wont_fix_resolution: text(),
      reopen_duration: duration(),
      fields: mapOf(anything()),
      custom_fields: mapOf(anything()),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      requireSet(node, context, ['project', 'issue_type', 'api_url']);
    },
  ),
};

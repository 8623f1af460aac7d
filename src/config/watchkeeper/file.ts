// watchkeeper.yml as a whole: the sections of prometheus.yml and alertmanager.yml under their own names, and ours.

import {
  type AlertmanagerOptions,
  alertmanagerSections,
  checkAlertmanagerWhole,
  type GlobalPairs,
  globalPairs,
} from '../alertmanager/file.ts';
import { alertmanagerGlobalFields, checkAlertmanagerGlobal } from '../alertmanager/global.ts';
import { checkReceiverNames } from '../alertmanager/route.ts';
import { checkPrometheusWhole, prometheusSections } from '../prometheus/file.ts';
import { checkPrometheusGlobal, prometheusGlobalFields } from '../prometheus/global.ts';
import type { Kind } from '../registry.ts';
import { optional, record, type Schema } from '../schema.ts';
import { alerts, host, journal, noDataDefault, query, recovery, state, storage, web } from './sections.ts';

export interface WatchkeeperOptions {
  readonly discovery: readonly Kind<unknown>[];
  readonly alertmanager: AlertmanagerOptions;
  readonly playbook: Schema<unknown> | undefined;
  /** Whether a web configuration file is named beside it. */
  readonly webFile: boolean;
}

/** The two `global` sections have no key in common: both stand in ours side by side. */
const global = record({ ...prometheusGlobalFields, ...alertmanagerGlobalFields }, (value, context, node) => {
  checkPrometheusGlobal(value, context, node);
  checkAlertmanagerGlobal(context, node);
});

export function watchkeeperFile(options: WatchkeeperOptions) {
  const make = (pairs: GlobalPairs) =>
    record(
      {
        ...alertmanagerSections(options.alertmanager, pairs),
        ...prometheusSections(options.discovery),
        global: optional(global),
        alerts: optional(alerts),
        host: optional(host),
        web: optional(web({ hasFile: options.webFile })),
        storage: optional(storage),
        query: optional(query),
        state: optional(state),
        recovery: optional(recovery(options.playbook)),
        journal: optional(journal),
        no_data_default: optional(noDataDefault),
      },
      (value, context, node) => {
        checkPrometheusWhole(value, context, node);
        checkAlertmanagerWhole(value, context);
        if (value.route === undefined && (value.receivers ?? []).length > 0) {
          context.report({
            code: 'config-missing-key',
            message: 'Cannot use "receivers" without "route": no alert would reach them',
            remedy: 'add "route:" with a "receiver"',
            at: node,
          });
        }
      },
    );
  type Value = ReturnType<typeof make> extends Schema<infer T> ? T : never;
  const schema: Schema<Value> = {
    says: 'mapping',
    read(node, context) {
      checkReceiverNames(node, context);
      return make(globalPairs(node, context)).read(node, context);
    },
  };
  return schema;
}

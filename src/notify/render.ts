// Filling message templates in: the template engine with Alertmanager's functions, our default texts, a person's files.

import { type Clock, err, ok, type Result } from '../base/index.ts';
import { labelsFrom } from '../model/index.ts';
import {
  alertmanagerFunctions,
  expandTemplate,
  parseTemplateFiles,
  notificationData as templateData,
  type ValueObject,
} from '../template/index.ts';
import type { RenderText } from './channel.ts';
import type { NotificationData } from './data.ts';
import { defaultTemplates } from './texts.ts';

export interface RenderOptions {
  readonly clock: Clock;
  /** The files that `templates:` names. They may replace our default texts by name. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

/** The error says which file does not parse. */
export function createRender(options: RenderOptions): Result<RenderText, { readonly message: string }> {
  const functions = alertmanagerFunctions();
  const own = defaultTemplates().map((text, i) => ({ name: `default-${i}`, text }));
  const templates = parseTemplateFiles([...own, ...options.files], functions);
  if (!templates.ok) return err({ message: templates.error.message });
  return ok((template, data, mode) => {
    const expanded = expandTemplate(template, dotOf(data), {
      functions,
      nowMs: options.clock.nowMs(),
      templates: templates.value,
      html: mode === 'html',
    });
    return expanded.ok ? ok(expanded.value) : err({ message: expanded.error.message });
  });
}

function dotOf(data: NotificationData): ValueObject {
  return templateData({
    receiver: data.Receiver,
    status: data.Status,
    alerts: data.Alerts.map(alert => ({
      status: alert.Status,
      labels: labelsFrom(alert.Labels),
      annotations: labelsFrom(alert.Annotations),
      startsAtMs: alert.StartsAtMs,
      ...(alert.EndsAtMs === undefined ? {} : { endsAtMs: alert.EndsAtMs }),
      generatorUrl: alert.GeneratorURL,
      fingerprint: alert.Fingerprint,
    })),
    groupLabels: labelsFrom(data.GroupLabels),
    commonLabels: labelsFrom(data.CommonLabels),
    commonAnnotations: labelsFrom(data.CommonAnnotations),
    externalUrl: data.ExternalURL,
    extra: {
      GroupKey: data.GroupKey,
      Reason: data.Reason,
      PossibleRepeat: data.PossibleRepeat,
      RecoveryReport: data.RecoveryReport,
      IsTest: data.IsTest,
      TruncatedAlerts: BigInt(data.TruncatedAlerts),
    },
  });
}

// Filling message templates in: the template engine with Alertmanager's functions, our default texts, a person's files.

import { posix } from 'node:path';
import { type Clock, err, ok, type Result } from '../base/index.ts';
import { type Diagnostic, labelsFrom } from '../model/index.ts';
import {
  alertmanagerFunctions,
  expandTemplate,
  kv,
  parseTemplate,
  parseTemplateFiles,
  type TemplateError,
  notificationData as templateData,
  type ValueObject,
} from '../template/index.ts';
import type { RenderText } from './channel.ts';
import type { NotificationData } from './data.ts';
import { defaultTemplates } from './texts.ts';

/** Without labels of a route. */
const FUNCTIONS = alertmanagerFunctions();

/** A file that `templates:` names. */
export interface TemplateFile {
  readonly path: string;
  readonly text: string;
}

export interface RenderOptions {
  readonly clock: Clock;
  /** They may replace our default texts by name. */
  readonly files: readonly TemplateFile[];
}

/** The error says which file does not parse. */
export function createRender(options: RenderOptions): Result<RenderText, { readonly message: string }> {
  const own = defaultTemplates().map((text, i) => ({ name: `default-${i}`, text }));
  // A file's whole text goes by the file's name without its folder, as Go has it.
  const files = options.files.map(({ path, text }) => ({ name: posix.basename(path), text }));
  const templates = parseTemplateFiles([...own, ...files], FUNCTIONS);
  if (!templates.ok) return err({ message: templates.error.message });
  return ok((template, data, mode) => {
    const dot = dotOf(data);
    const routeLabels = new Map(Object.entries(data.RouteLabels));
    const expanded = expandTemplate(template, dot, {
      functions: routeLabels.size === 0 ? FUNCTIONS : alertmanagerFunctions({ routeLabels, data: dot }),
      nowMs: options.clock.nowMs(),
      templates: templates.value,
      html: mode === 'html',
    });
    return expanded.ok ? ok(expanded.value) : err({ message: expanded.error.message });
  });
}

/** Each file that does not parse, with its place. */
export function checkTemplateFiles(files: readonly TemplateFile[]): readonly Diagnostic[] {
  return files.flatMap(({ path, text }) => {
    const error = templateProblem(text);
    if (error === undefined) return [];
    return [
      {
        code: error.code,
        severity: 'error' as const,
        message: `Cannot use the template file "${path}": ${error.cause}`,
        file: path,
        line: error.line,
        column: error.column,
        path: 'templates',
      },
    ];
  });
}

/** Why a text is no template with Alertmanager's functions; undefined where it is one. */
export function templateProblem(text: string): TemplateError | undefined {
  const parsed = parseTemplate(text, { functions: FUNCTIONS });
  return parsed.ok ? undefined : parsed.error;
}

/** The dot of the templates. */
export function dotOf(data: NotificationData): ValueObject {
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
      RouteLabels: kv(labelsFrom(data.RouteLabels)),
      GroupKey: data.GroupKey,
      Reason: data.Reason,
      // As Alertmanager calls it.
      NotificationReason: data.Reason,
      PossibleRepeat: data.PossibleRepeat,
      RecoveryReport: data.RecoveryReport,
      IsTest: data.IsTest,
      TruncatedAlerts: BigInt(data.TruncatedAlerts),
    },
  });
}

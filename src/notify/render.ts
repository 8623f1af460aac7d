// Filling message templates in: the template engine with Alertmanager's functions, our default texts, a person's files.

import { posix } from 'node:path';
import { type Clock, err, ok, type Result } from '../base/index.ts';
import { nearest, type PlacedText } from '../config/index.ts';
import { type Diagnostic, labelsFrom } from '../model/index.ts';
import {
  alertmanagerFunctions,
  expandTemplate,
  kv,
  parseTemplate,
  parseTemplateFiles,
  type Template,
  type TemplateCall,
  type TemplateError,
  templateCalls,
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

/**
 * Calls of templates that neither our default texts nor the files define: Alertmanager finds them when it sends. A warning,
 * since the message goes out all the same, in plain words.
 */
export function checkTemplateNames(
  texts: readonly PlacedText[],
  files: readonly TemplateFile[],
): readonly Diagnostic[] {
  const parsedFiles = files.flatMap(({ path, text }) => {
    const parsed = parseTemplate(text, { functions: FUNCTIONS });
    return parsed.ok ? [{ path, template: parsed.value }] : [];
  });
  const known = new Set(
    parsedFiles.flatMap(one => [posix.basename(one.path), ...one.template.defined.keys()]),
  );
  for (const text of defaultTemplates()) {
    const parsed = parseTemplate(text, { functions: FUNCTIONS });
    for (const name of parsed.ok ? parsed.value.defined.keys() : []) known.add(name);
  }
  const unknownIn = (template: Template): readonly TemplateCall[] =>
    templateCalls(template).filter(({ name }) => !known.has(name) && !template.defined.has(name));
  return [
    ...parsedFiles.flatMap(({ path, template }) =>
      unknownIn(template).map(({ name, line, column }) =>
        unknownTemplate(name, known, {
          file: path,
          line,
          column,
          path: 'templates',
          where: 'this file',
        }),
      ),
    ),
    ...texts.flatMap(({ text, ...place }) => {
      const parsed = parseTemplate(text, { functions: FUNCTIONS });
      return (parsed.ok ? unknownIn(parsed.value) : []).map(({ name }) =>
        unknownTemplate(name, known, { ...place, where: place.path }),
      );
    }),
  ];
}

function unknownTemplate(
  name: string,
  known: ReadonlySet<string>,
  { where, ...place }: Pick<Diagnostic, 'file' | 'line' | 'column' | 'path'> & { readonly where: string },
): Diagnostic {
  const near = nearest(name, [...known]);
  return {
    code: 'template-unknown',
    severity: 'warning',
    message: `Cannot find the template "${name}" that ${where} calls: no file of "templates" defines it`,
    ...place,
    remedy: near === undefined ? 'define it, or name its file under "templates"' : `did you mean "${near}"?`,
  };
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

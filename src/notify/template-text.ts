// A setting that is a template: judged where it stands in the file. As in Alertmanager a bad one is no error (the message
// then goes out in plain words), so it is warned of.

import { mapped, type ReadContext, type Schema, type TextOptions, text } from '../config/index.ts';
import { templateProblem } from './render.ts';

export function templateText(options: TextOptions = {}): Schema<string> {
  const schema = mapped(text(options), (value, context) => {
    warnOfTemplate(value, context);
    return value;
  });
  return { ...schema, says: 'template' };
}

export function warnOfTemplate(value: string, context: ReadContext): void {
  // Most texts have no action at all.
  if (!value.includes('{{')) return;
  const problem = templateProblem(value);
  if (problem === undefined) {
    context.noteTemplate?.(value);
    return;
  }
  context.report({
    code: 'template-parse',
    severity: 'warning',
    message: `Cannot use ${context.path} as a template: ${problem.cause} (line ${problem.line}, column ${problem.column} of the text)`,
    remedy: 'plain words would be sent in its place',
  });
}

// Which templates a text calls by name: what is called and defined nowhere fails only when it is reached.

import { type Node, placeOf, type Template } from './ast.ts';

export interface TemplateCall {
  readonly name: string;
  /** In the text that it was parsed from, both from 1. */
  readonly line: number;
  readonly column: number;
}

/** Every `{{ template "name" }}` in it and in what it defines, branches that may never run included. */
export function templateCalls(template: Template): readonly TemplateCall[] {
  const calls: TemplateCall[] = [];
  for (const { body, source } of [template.main, ...template.defined.values()]) {
    const pending: Node[] = [...body];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (node.kind === 'if' || node.kind === 'with' || node.kind === 'range')
        pending.push(...node.body, ...node.otherwise);
      if (node.kind === 'template') calls.push({ name: node.name, ...placeOf(source.text, node.start) });
    }
  }
  return calls.sort((a, b) => a.line - b.line || a.column - b.column);
}

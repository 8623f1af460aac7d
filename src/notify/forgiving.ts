// Rendering that loses no message: where a template fails the plain words stand, and what failed is gathered to be told.

import type { RenderText } from './channel.ts';
import type { NotificationData } from './data.ts';

export interface ForgivingRender {
  /** `plain`: what stands in its place when it fails. */
  render(template: string, plain: string, mode?: 'text' | 'html'): string;
  /** What failed so far. */
  readonly failures: readonly string[];
}

export function forgivingRender(render: RenderText, data: NotificationData): ForgivingRender {
  const failures: string[] = [];
  return {
    failures,
    render(template, plain, mode = 'text') {
      const rendered = render(template, data, mode);
      if (rendered.ok) return rendered.value;
      failures.push(rendered.error.message);
      return plain;
    },
  };
}

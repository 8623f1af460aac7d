// Our own texts of messages, parsed with the first message: no start waits for them.

import type { Clock } from '../base/index.ts';
import { createRender } from '../notify/index.ts';

type Render = Extract<ReturnType<typeof createRender>, { readonly ok: true }>['value'];

export function ownRender(clock: Clock): Render {
  let made: Render | undefined;
  return (template, data, mode) => {
    made ??= parsed(clock);
    return made(template, data, mode);
  };
}

function parsed(clock: Clock): Render {
  const render = createRender({ clock, files: [] });
  // They are part of the program: if they do not parse it is a bug.
  if (!render.ok) throw new Error(`assertion failed: ${render.error.message}`);
  return render.value;
}

// Texts of messages: our own and a person's files, parsed with the first message, so that no start waits for them.

import { type Clock, expectOk } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { createRender } from '../notify/index.ts';

type Render = Extract<ReturnType<typeof createRender>, { readonly ok: true }>['value'];

export function messageRender(clock: Clock, files: Config['templateFiles']): Render {
  let made: Render | undefined;
  return (template, data, mode) => {
    made ??= parsed(clock, files);
    return made(template, data, mode);
  };
}

function parsed(clock: Clock, files: Config['templateFiles']): Render {
  // Ours are part of the program, and a person's were checked before they came into force.
  return expectOk(createRender({ clock, files }));
}

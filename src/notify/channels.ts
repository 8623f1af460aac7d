// The registry of channels: a new one is one file and one line here.

import { type AnyChannel, erased } from './channel.ts';
import { command } from './command.ts';
import { email } from './email.ts';
import { slack } from './slack.ts';
import { webhook } from './webhook.ts';

export const channels: readonly AnyChannel[] = [
  erased(command),
  erased(email),
  erased(slack),
  erased(webhook),
];

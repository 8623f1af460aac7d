// The registry of channels: a new one is one file and one line here.

import { type AnyChannel, erased } from './channel.ts';
import { email } from './email.ts';
import { webhook } from './webhook.ts';

export const channels: readonly AnyChannel[] = [erased(email), erased(webhook)];

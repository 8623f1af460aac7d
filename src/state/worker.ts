// What the state's worker thread runs.

import { serveThread } from './thread.ts';

serveThread();

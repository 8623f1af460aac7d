// What the thread runs that makes the files of blocks.

import { giveWay, keepYoungSmall, systemClock, systemDisk, threadPort } from '../os/index.ts';
import { InPlaceMaker, serveMaker } from '../storage/index.ts';

// The new heap has set the growth of all heaps back, and would stay as small as it began once that is done again.
keepYoungSmall();
// Blocks have time: the main thread's queries and samples have not.
giveWay();
serveMaker(threadPort(), new InPlaceMaker({ disk: systemDisk(), clock: systemClock() }));

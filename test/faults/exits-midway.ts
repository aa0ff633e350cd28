/** A program that exits while blocks of its run are on disk; it prints how many. */
import { writeSync } from 'node:fs';
import { spillingStore } from '../../src/node/index.ts';
import { filesIn, spillingRun } from './spilling.ts';

const [, , directory = ''] = process.argv;
const { run, spilled } = spillingRun(spillingStore({ directory }));
void run.collect();
await spilled;
writeSync(1, String(filesIn(directory).length));
process.exit(0);

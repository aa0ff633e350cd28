/** A program that spills to a disk with little room, given as its argument. */
import { readdirSync } from 'node:fs';
import { spillingStore } from '../../src/node/index.ts';
import { spillingRun } from './spilling.ts';

const [, , directory = ''] = process.argv;
const { run, goOn } = spillingRun(spillingStore({ directory, highWater: 0 }));
const rows = run.collect();
goOn();
const collected = await rows;
const { spill } = await run.done;
console.log(JSON.stringify({ rows: collected, spill, left: readdirSync(directory) }));

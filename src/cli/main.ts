#!/usr/bin/env node
/** The program `sluice`. */
import { runCommandLine } from './command-line.ts';

// A reader that has gone, as `head` does, is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const exitCode = await runCommandLine(process.argv.slice(2));
// The file may have left something open that would keep the process alive.
process.stdout.write('', () => process.exit(exitCode));

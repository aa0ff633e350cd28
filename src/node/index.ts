/**
 * Files, and progress in a terminal.
 *
 * @module sluice/node
 */
export { jsonlSink } from './jsonl-sink.ts';
export { showProgress, type ProgressOptions } from './progress.ts';
export { readJsonArray, readJsonl, readLines } from './read-lines.ts';

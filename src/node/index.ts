/**
 * Files, Node's streams, and progress in a terminal.
 *
 * @module sluice/node
 */
export { jsonlSink } from './jsonl-sink.ts';
export { showProgress, type ProgressOptions } from './progress.ts';
export { toNodeReadable, writableSink, type WritableSinkOptions } from './node-streams.ts';
export { readJsonArray, readJsonl, readLines } from './read-lines.ts';

/**
 * Apache Arrow in and out, by `@uwdata/flechette`, which is to be installed beside.
 *
 * @module sluice/arrow
 */
export { arrowSink, readArrow, type ArrowInput } from './arrow-stream.ts';
export { fromArrow } from './from-arrow.ts';
export { toArrow } from './to-arrow.ts';

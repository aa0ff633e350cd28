/**
 * The run model: run events folded into all that can be seen of a run. Runs in browsers and in Node.
 */
export { pathParts } from './actor-path.ts';
export { advanceModel, applyRunEvent, operatorNamed } from './apply-event.ts';
export { cloneModel, emptyModel } from './empty-model.ts';
export { CONSUMER, edgesOf, tokenHolders, type EdgeView } from './graph.ts';
export * from './model.ts';
export * from './selectors.ts';

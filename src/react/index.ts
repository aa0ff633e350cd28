/**
 * Pipelines in React: a view of a run, developer tools, and hooks that follow a run.
 *
 * @module sluice/react
 */
export { PipelineView, type PipelineViewProps } from './PipelineView.tsx';
export { PipelineDevtools, type PipelineDevtoolsProps } from './PipelineDevtools.tsx';
export { createPipelineContext, useOperator, useRun, type PipelineContext } from './hooks.ts';
export type { Inspected } from '../inspect/open-source.ts';
export type { InspectorPlace, InspectorTheme } from '../inspect/view-options.ts';

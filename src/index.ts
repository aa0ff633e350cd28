/**
 * Sluice: streaming data pipelines in which every moving part is an XState actor.
 *
 * @module sluice
 */
export { pipeline, type FromOptions, type PipelineStart } from './pipeline.ts';
export { statelyInspector, type StatelyInspectorOptions } from './stately-inspector.ts';
export {
  xstate4Inspector,
  type XState4DevTools,
  type XState4InspectorOptions,
} from './inspect/xstate4/xstate4-inspector.ts';
export type { BlockResult, BlocksResult, BuiltInOptions, Flow } from './flow.ts';
export type { RowsOf } from './inference.ts';
export type { BlocksOptions, OnError, OperatorOptions, Retries } from './options.ts';
export type { Budget, Rate } from './budget.ts';
export type { Run, StartOptions, StepOptions } from './run.ts';
export type { DeadLetterBlock, PipelineOptions } from './assembly.ts';
export {
  selectRun,
  type PipelineEmitted,
  type PipelineLogic,
  type PipelineSnapshot,
} from './logic.ts';
export type { OutputBlock } from './output-block.ts';
export type { InspectorOptions, RecordingFile, RecordOptions } from './inspect/options.ts';
export type { Explanation, OperatorSnapshot, RunSnapshot } from './snapshot.ts';
export type { Block, BlockMessage, BlockTransfer, Field } from '../actors/block.ts';
export {
  columnBlock,
  rowsToColumns,
  type ColumnBlock,
  type ColumnInput,
  type RowOf,
} from '../actors/columns/column-block.ts';
export type { ColumnData } from '../actors/columns/column-data.ts';
export type {
  BigintArray,
  BigintType,
  ColumnType,
  ColumnTypeFor,
  ColumnTypes,
  Fields,
  ListType,
  NumberArray,
  NumberType,
} from '../actors/columns/column-types.ts';
export type { Column, ColumnValues } from '../actors/columns/column.ts';
export type { Env } from '../actors/env.ts';
export type { Spill, SpillingStore, SpillUsage } from '../actors/spill.ts';
export type { BlocksInput, RowsInput, Source } from '../actors/sources.ts';
export type { TransformContext } from '../actors/transform.ts';
export type { WorkerFunction } from './workers/worker-function.ts';
export type { BatchSize } from '../actors/transforms/batch.ts';
export type { Sink } from '../actors/transforms/sink.ts';
export type { BlockRef } from '../machines/block.ts';
export type { Denial, Limit } from '../machines/denial.ts';
export {
  CancelledError,
  ColumnError,
  FormatError,
  OptionError,
  PlanError,
  RestartLimitError,
  RunError,
  SluiceError,
  StallError,
  StoreError,
  WorkerError,
  type WorkerFailure,
  TaskError,
  TimeoutError,
} from '../machines/errors.ts';
export type { OperatorView } from '../machines/operator/operator.protocol.ts';
export {
  bottleneck,
  fair,
  leastMemory,
  mostDownstream,
  type RankingPolicy,
} from '../machines/ranking.ts';
export type { RunEvent, RunEventBody } from '../machines/run-event.ts';
export type { OperatorReport, RunReport } from '../machines/supervisor/run-report.ts';
export type { RunCommand } from '../machines/supervisor/supervisor.protocol.ts';

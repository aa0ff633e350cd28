/**
 * The builder: a `Flow<T>` is an immutable description of a stream of blocks of `T`. Nothing runs
 * before `start`; a flow can be started any number of times, and used in several flows.
 */
import type { Block } from '../actors/block.ts';
import type { ColumnBlock } from '../actors/columns/column-block.ts';
import type { RowsOf } from './inference.ts';
import { batchTransform, type BatchSize } from '../actors/transforms/batch.ts';
import { limitTransform } from '../actors/transforms/limit.ts';
import { filterRows, flatMapRows, mapRows } from '../actors/transforms/rows.ts';
import { sinkTransform, type Sink } from '../actors/transforms/sink.ts';
import { zipTransform } from '../actors/transforms/zip.ts';
import type { BlockTransform, Transform, TransformContext } from '../actors/transform.ts';
import type { CallShape } from '../actors/workers/protocol.ts';
import { OptionError } from '../machines/errors.ts';
import type { BranchNode, FanOutNode, FlowNode, OperatorNode } from './graph.ts';
import {
  checkBlocksOptions,
  checkCount,
  checkNames,
  checkOperatorOptions,
  type BlocksOptions,
  type OperatorOptions,
} from './options.ts';
import { pipelineLogic, type PipelineLogic } from './logic.ts';
import { startRun, type FedWith, type Run, type StartOptions } from './run.ts';
import { streamSink, transformStream } from './streams.ts';
import { isWorkerFunction, type WorkerFunction } from './workers/worker-function.ts';

/** Options of operators that the engine brings along: they have no tasks to tune. */
export type BuiltInOptions = Pick<OperatorOptions, 'name' | 'resources' | 'queue'>;

/** A function, or one that `workers` has made of it to be called in other threads. */
type Callable<Call> = Call | WorkerFunction<Call>;

/** One block, as a transform may give it: rows, or a block, of columns for instance. */
export type BlockResult<U = unknown> = readonly U[] | Block<U>;

/** Anything a transform of blocks may return. */
export type BlocksResult<U = unknown> =
  | BlockResult<U>
  | Promise<BlockResult<U>>
  | Iterable<BlockResult<U>>
  | AsyncIterable<BlockResult<U>>;

// A function and one in a worker have signatures of their own: of their union TypeScript infers nothing.
/* eslint-disable @typescript-eslint/unified-signatures */

/**
 * `T` is the type of the rows that come out; `In` that of the rows fed in when a run starts, `never` for
 * a flow that has sources of its own.
 */
export class Flow<T, In = never> {
  /** Name of the pipeline. */
  readonly name: string;
  /** The graph so far. */
  readonly node: FlowNode;
  #logic: PipelineLogic<T> | undefined;
  /** Only for the compiler: a flow that must be fed is no flow that needs nothing. */
  declare readonly fedWith: In;

  constructor(name: string, node: FlowNode) {
    this.name = name;
    this.node = node;
  }

  /** One row for each row. Promises are awaited, one row after the other within a block. */
  map<R>(
    map: (row: T, context: TransformContext) => R,
    options?: OperatorOptions,
  ): Flow<Awaited<R>, In>;
  map<R>(
    map: WorkerFunction<(row: T, context: TransformContext) => R>,
    options?: OperatorOptions,
  ): Flow<Awaited<R>, In>;
  map<R>(
    map: Callable<(row: T, context: TransformContext) => R>,
    options: OperatorOptions = {},
  ): Flow<Awaited<R>, In> {
    return this.#rows('map', map, mapRows, options);
  }

  /** The rows for which `predicate` holds. */
  filter<S extends T>(
    predicate: (row: T, context: TransformContext) => row is S,
    options?: OperatorOptions,
  ): Flow<S, In>;
  filter(
    predicate: (row: T, context: TransformContext) => unknown,
    options?: OperatorOptions,
  ): Flow<T, In>;
  filter<S extends T>(
    predicate: WorkerFunction<(row: T, context: TransformContext) => row is S>,
    options?: OperatorOptions,
  ): Flow<S, In>;
  filter(
    predicate: WorkerFunction<(row: T, context: TransformContext) => unknown>,
    options?: OperatorOptions,
  ): Flow<T, In>;
  filter(
    predicate: Callable<(row: T, context: TransformContext) => unknown>,
    options: OperatorOptions = {},
  ): Flow<T, In> {
    return this.#rows('filter', predicate, filterRows, options);
  }

  /** Any number of rows for each row. */
  flatMap<U>(
    flatMap: (row: T, context: TransformContext) => Iterable<U> | AsyncIterable<U>,
    options?: OperatorOptions,
  ): Flow<U, In>;
  flatMap<U>(
    flatMap: WorkerFunction<(row: T, context: TransformContext) => Iterable<U> | AsyncIterable<U>>,
    options?: OperatorOptions,
  ): Flow<U, In>;
  flatMap<U>(
    flatMap: Callable<(row: T, context: TransformContext) => Iterable<U> | AsyncIterable<U>>,
    options: OperatorOptions = {},
  ): Flow<U, In> {
    return this.#rows('flatMap', flatMap, flatMapRows, options);
  }

  /**
   * Any number of blocks for each block: return the rows of one (an array, or a promise of one), or be
   * a generator, sync or async, that yields block after block; each is passed on as soon as it comes.
   *
   * With `format: 'columns'` the function gets the block as typed columns, and may give blocks of
   * columns as well, made with `columnBlock`.
   *
   * @example
   * flow.mapBlocks(async function* (rows) {
   *   for (const row of rows) yield [await lookUp(row)];
   * });
   * flow.mapBlocks(
   *   (block) => columnBlock({ double: Float64Array.from(block.column('x').values, (x) => 2 * x) }),
   *   { format: 'columns' },
   * );
   */
  mapBlocks<R extends BlocksResult>(
    transform: (block: ColumnBlock<T>, context: TransformContext) => R,
    options: OperatorOptions & { readonly format: 'columns' },
  ): Flow<RowsOf<R>, In>;
  mapBlocks<R extends BlocksResult>(
    transform: (rows: T[], context: TransformContext) => R,
    options?: OperatorOptions & { readonly format?: 'rows' },
  ): Flow<RowsOf<R>, In>;
  mapBlocks<R extends BlocksResult>(
    transform: WorkerFunction<(block: ColumnBlock<T>, context: TransformContext) => R>,
    options: OperatorOptions & { readonly format: 'columns' },
  ): Flow<RowsOf<R>, In>;
  mapBlocks<R extends BlocksResult>(
    transform: WorkerFunction<(rows: T[], context: TransformContext) => R>,
    options?: OperatorOptions & { readonly format?: 'rows' },
  ): Flow<RowsOf<R>, In>;
  mapBlocks<R extends BlocksResult>(
    transform:
      | Callable<(rows: T[], context: TransformContext) => R>
      | Callable<(block: ColumnBlock<T>, context: TransformContext) => R>,
    options: BlocksOptions = {},
  ): Flow<RowsOf<R>, In> {
    const { format, ...rest } = checkBlocksOptions(options);
    return this.#rows('mapBlocks', transform, (call) => call, rest, format);
  }

  /** The same rows in blocks of another size, gathered across blocks and tasks. */
  batch(size: BatchSize, options: BuiltInOptions = {}): Flow<T, In> {
    checkNames('batch', size, ['rows', 'bytes']);
    checkCount('batch.rows', size.rows, 1);
    checkCount('batch.bytes', size.bytes, 1);
    if (size.rows === undefined && size.bytes === undefined) {
      throw new OptionError('batch', 'batch needs { rows }, { bytes } or both');
    }
    return this.#builtIn('batch', batchTransform(size), options, [this.node]);
  }

  /** The first `rows` rows that arrive. What feeds it is stopped as soon as they are there. */
  limit(rows: number, options: BuiltInOptions = {}): Flow<T, In> {
    checkCount('limit', rows, 0);
    return this.#builtIn('limit', limitTransform(rows), options, [this.node]);
  }

  /** The blocks of this flow and of others, as they come. */
  union<U, In2 = never>(...flows: readonly Flow<U, In2>[]): Flow<T | U, In | In2> {
    for (const flow of flows) checkFlow('union', flow);
    const inputs = [this.node, ...flows.map(({ node }) => node)];
    return new Flow(this.name, { kind: 'union', inputs });
  }

  /** Pairs of the rows of this flow and another, by position, until one of them ends. */
  zip<U, In2 = never>(other: Flow<U, In2>, options: BuiltInOptions = {}): Flow<[T, U], In | In2> {
    checkFlow('zip', other);
    return this.#builtIn('zip', zipTransform(), options, [this.node, other.node]);
  }

  /** Several flows that each get every block. All of them must be used. */
  tee(): readonly [Flow<T, In>, Flow<T, In>];
  tee(branches: number): readonly Flow<T, In>[];
  tee(branches = 2): readonly Flow<T, In>[] {
    return this.#fanOut('tee', branches);
  }

  /** Several flows that share the blocks: each block goes to the one with the most room. */
  split(): readonly [Flow<T, In>, Flow<T, In>];
  split(branches: number): readonly Flow<T, In>[];
  split(branches = 2): readonly Flow<T, In>[] {
    return this.#fanOut('split', branches);
  }

  /**
   * Writes every block to a sink, a function or a stream, one at a time. The flow that is left has no rows: run it with
   * `start().done`, or join it with others by `union`.
   */
  to(
    sink: Sink<T> | Sink<T>['write'] | WritableStream<T>,
    options: BuiltInOptions = {},
  ): Flow<never, In> {
    const target = toSink(sink);
    if (typeof target !== 'object' || typeof target.write !== 'function') {
      throw new OptionError('to', 'to(sink) needs an object with a write method, or a function');
    }
    const label = typeof sink === 'function' && sink.name !== '' ? sink.name : 'sink';
    return this.#operator('sink', label, sinkTransform(target), options, [this.node]);
  }

  /**
   * Starts a run.
   * @throws PlanError when the pipeline can never run under the budget.
   * @throws OptionError when an option is unknown or has a value it cannot have.
   */
  start(
    ...[options = {}]: [In] extends [never]
      ? [options?: StartOptions]
      : [options: StartOptions & FedWith<In>]
  ): Run<T> {
    return startRun<T>(this.name, this.node, options);
  }

  /**
   * Starts a run between two ends of a stream: what is written goes in, what is read comes out. An
   * error or a cancel at one end reaches the other, as the Streams Standard says.
   *
   * @example
   * readable.pipeThrough(pipeline('double').fed<number>().map((x) => 2 * x).toTransformStream())
   */
  toTransformStream(options: StartOptions = {}): {
    writable: WritableStream<In>;
    readable: ReadableStream<T>;
  } {
    return transformStream<In, T>((input) =>
      startRun<T>(this.name, this.node, { ...options, input }),
    );
  }

  /** XState actor logic: for `createActor`, or to invoke or spawn in a machine of your own. */
  get logic(): PipelineLogic<T> {
    this.#logic ??= pipelineLogic<T>(this.name, this.node);
    return this.#logic;
  }

  #rows<U>(
    shape: CallShape,
    given: Callable<(input: never, context: TransformContext) => unknown>,
    toCall: (given: never) => BlockTransform['call'],
    options: OperatorOptions,
    format: 'rows' | 'columns' = 'rows',
  ): Flow<U, In> {
    const transform: Transform = isWorkerFunction(given)
      ? given.toTransform(shape, format)
      : { kind: 'blocks', call: toCall(checkFunction(shape, given) as never), format };
    const label = given.name === '' ? shape : given.name;
    return this.#operator('transform', label, transform, options, [this.node]);
  }

  #builtIn<U>(
    label: string,
    transform: Transform,
    options: BuiltInOptions,
    inputs: readonly FlowNode[],
  ): Flow<U, In> {
    return this.#operator('transform', label, transform, options, inputs);
  }

  #operator<U>(
    role: OperatorNode['role'],
    label: string,
    transform: Transform,
    options: OperatorOptions,
    inputs: readonly FlowNode[],
  ): Flow<U, In> {
    if (transform.kind === 'stateful')
      checkNames('options', options, ['name', 'resources', 'queue']);
    checkOperatorOptions(options);
    return new Flow(this.name, { kind: 'operator', role, label, transform, options, inputs });
  }

  #fanOut(kind: FanOutNode['kind'], branches: number): readonly Flow<T, In>[] {
    checkCount(kind, branches, 1);
    const fanOut: FanOutNode = { kind, inputs: [this.node], branches };
    return Array.from({ length: branches }, (_, index) => {
      const branch: BranchNode = { kind: 'branch', inputs: [fanOut], index };
      return new Flow<T, In>(this.name, branch);
    });
  }
}

function checkFunction<F>(method: string, value: F): F {
  if (typeof value === 'function') return value;
  throw new OptionError(method, `${method} needs a function, not ${typeof value}`);
}

function toSink<T>(sink: Sink<T> | Sink<T>['write'] | WritableStream<T>): Sink<T> {
  if (typeof sink === 'function') return { write: sink };
  return typeof sink === 'object' && 'getWriter' in sink ? streamSink(sink) : sink;
}

function checkFlow(method: string, value: unknown): void {
  if (value instanceof Flow) return;
  throw new OptionError(method, `${method} needs flows, not ${typeof value}`);
}

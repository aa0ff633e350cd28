/** Where a pipeline begins: a name, then what it reads. */
import type { SourceTransform } from '../actors/transform.ts';
import {
  blocksSource,
  inputSource,
  readerSource,
  rowsSource,
  type BlocksInput,
  type RowsInput,
  type Source,
} from '../actors/sources.ts';
import { OptionError } from '../machines/errors.ts';
import { Flow } from './flow.ts';
import { INPUT } from './streams.ts';
import { checkCount, checkName, checkNames, checkSizes, type OperatorOptions } from './options.ts';

/** Rows gathered into one block, unless the source says otherwise. */
export const DEFAULT_ROWS_PER_BLOCK = 1024;

export interface FromOptions {
  /** Name of the source. Default: `source`. */
  readonly name?: string;
  /** Rows gathered into one block. Default: 1024. */
  readonly rowsPerBlock?: number;
  /** Size of its blocks: what is read is merged and split to it. Default: as read. */
  readonly output?: { readonly rows?: number; readonly bytes?: number };
}

export interface PipelineStart {
  /**
   * Reads rows from an iterable, an async iterable, a stream or an observable. Give a function that
   * makes one if the pipeline is to be started more than once and the input can be read only once.
   */
  from<T>(rows: RowsInput<T> | (() => RowsInput<T>), options?: FromOptions): Flow<T>;
  /** Reads blocks: arrays of rows, or blocks. */
  fromBlocks<T>(
    blocks: BlocksInput<T> | (() => BlocksInput<T>),
    options?: Pick<FromOptions, 'name' | 'output'>,
  ): Flow<T>;
  /** Is fed with rows when a run starts, by `start({ input })` or `toTransformStream()`. */
  fed<In>(): Flow<In, In>;
  /** Reads with a reader, split by split. */
  fromSource<T, S>(
    source: Source<T, S>,
    options?: Pick<FromOptions, 'name' | 'output'> & { readonly maxConcurrency?: number },
  ): Flow<T>;
}

/**
 * Begins a pipeline.
 *
 * @example
 * const run = pipeline('squares').from([1, 2, 3]).map((x) => x * x).start();
 * console.log(await run.collect());
 */
export function pipeline(name: string): PipelineStart {
  checkName('pipeline', name);

  function source<T>(
    transform: SourceTransform,
    options: Pick<OperatorOptions, 'name' | 'maxConcurrency' | 'output'>,
  ): Flow<T> {
    if (options.name !== undefined) checkName('name', options.name);
    checkCount('maxConcurrency', options.maxConcurrency, 1);
    checkSizes('output', options.output, ['rows', 'bytes']);
    return new Flow<T>(name, {
      kind: 'operator',
      role: 'source',
      label: 'source',
      transform,
      options,
      inputs: [],
    });
  }

  return {
    from(rows, options = {}) {
      checkNames('options', options, ['name', 'rowsPerBlock', 'output']);
      checkReadable('from', rows);
      checkCount('rowsPerBlock', options.rowsPerBlock, 1);
      const { rowsPerBlock = DEFAULT_ROWS_PER_BLOCK, ...rest } = options;
      return source(rowsSource(rows, rowsPerBlock), rest);
    },
    fromBlocks(blocks, options = {}) {
      checkNames('options', options, ['name', 'output']);
      checkReadable('fromBlocks', blocks);
      return source(blocksSource(blocks), options);
    },
    fed<In>() {
      return new Flow<In, In>(name, {
        kind: 'operator',
        role: 'source',
        label: INPUT,
        transform: inputSource,
        options: {},
        inputs: [],
      });
    },
    fromSource(reader, options = {}) {
      checkNames('options', options, ['name', 'maxConcurrency', 'output']);
      if (typeof reader.splits !== 'function' || typeof reader.read !== 'function') {
        throw new OptionError('fromSource', 'fromSource needs an object with splits and read');
      }
      return source(readerSource(reader), { ...namedAfter(reader), ...options });
    },
  };
}

function namedAfter({ name }: { readonly name?: string }): { name?: string } {
  return name === undefined ? {} : { name };
}

function checkReadable(method: string, value: unknown): void {
  const readable =
    typeof value === 'function' ||
    (typeof value === 'object' &&
      value !== null &&
      (Symbol.iterator in value ||
        Symbol.asyncIterator in value ||
        'getReader' in value ||
        'subscribe' in value));
  if (readable) return;
  throw new OptionError(
    method,
    `${method} needs an iterable, an async iterable, a stream, an observable, or a function that makes one`,
  );
}

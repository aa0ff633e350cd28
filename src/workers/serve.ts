/** The script of a worker: hands its functions to whoever has made the worker. */
import type { FromWorker, ToWorker, WorkerPort } from '../../actors/workers/protocol.ts';
import { serveWorker } from '../../actors/workers/serve.ts';
import { RunError } from '../../machines/errors.ts';

type Exports = Readonly<Record<string, unknown>>;

/** What Node has for its worker threads; absent in browsers, where a worker is its own global object. */
interface NodeThreads {
  readonly parentPort: NodePort | null;
  readonly receiveMessageOnPort: (port: NodePort) => { readonly message: ToWorker } | undefined;
}

interface NodePort {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
}

interface NodeHeap {
  getHeapStatistics(): { readonly external_memory: number };
  setFlagsFromString(flags: string): void;
}

interface NodeContexts {
  runInNewContext(code: string): unknown;
}

interface NodeProcess {
  getBuiltinModule?(name: string): unknown;
}

interface WebScope {
  readonly document?: unknown;
  readonly postMessage?: (message: FromWorker, transfer: Transferable[]) => void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
}

/**
 * Serves functions to `workers`, from the script of a worker in Node or in a browser.
 *
 * @throws RunError when this is not the script of a worker.
 * @example
 * // ops.worker.ts
 * import { serve } from 'sluice/workers';
 * import * as ops from './ops.ts';
 * serve(ops);
 */
export function serve(functions: Exports): void {
  serveLoaded(() => Promise.resolve(functions));
}

/** Serves functions that are loaded when the first task is to come. */
export function serveLoaded(load: () => Promise<Exports>): void {
  const { process: node } = globalThis as { readonly process?: NodeProcess };
  const threads = node?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
  serveWorker({
    port: threads === undefined ? webPort() : nodePort(threads),
    load,
    holdsMoreThan: memoryGauge(node),
  });
}

function nodePort({ parentPort, receiveMessageOnPort }: NodeThreads): WorkerPort {
  if (parentPort === null) throw notInWorker();
  let receive: (message: ToWorker) => void = () => undefined;
  return {
    post(message, transfer) {
      parentPort.postMessage(message, transfer);
    },
    listen(listener) {
      receive = listener;
      parentPort.on('message', listener);
    },
    poll() {
      for (let next = receiveMessageOnPort(parentPort); next !== undefined;) {
        receive(next.message);
        next = receiveMessageOnPort(parentPort);
      }
    },
  };
}

/** The web has no way to read messages before the script lets go of the thread. */
function webPort(): WorkerPort {
  const scope = globalThis as unknown as WebScope;
  if (scope.document !== undefined || scope.postMessage === undefined) throw notInWorker();
  return {
    post(message, transfer) {
      scope.postMessage?.(message, transfer);
    },
    listen(listener) {
      scope.addEventListener('message', (event) => {
        listener(event.data);
      });
    },
    poll: () => undefined,
  };
}

function notInWorker(): RunError {
  return new RunError('serve is for the script of a worker: this is the main thread');
}

/** Counts the buffers of this thread; what is garbage already does not count. */
function memoryGauge(node: NodeProcess | undefined): (bytes: number) => boolean {
  const heap = node?.getBuiltinModule?.('node:v8') as NodeHeap | undefined;
  const contexts = node?.getBuiltinModule?.('node:vm') as NodeContexts | undefined;
  if (heap === undefined || contexts === undefined) return () => false;
  let collectGarbage: (() => void) | undefined;
  return (bytes) => {
    if (heap.getHeapStatistics().external_memory <= bytes) return false;
    if (collectGarbage === undefined) {
      heap.setFlagsFromString('--expose-gc');
      collectGarbage = contexts.runInNewContext('gc') as () => void;
    }
    // Twice: buffers are freed beside the thread, and only the next collection waits until they are.
    collectGarbage();
    collectGarbage();
    return heap.getHeapStatistics().external_memory > bytes;
  };
}

/** Workers as the pool wants them, made of those of Node or of those of the web. */
import type { FromWorker, WorkerThread } from './protocol.ts';

/** The part of Node's `Worker` that is used here. */
export interface NodeWorker {
  postMessage(message: unknown, transfer?: readonly never[]): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  terminate(): Promise<number>;
}

/** The part of the web's `Worker` that is used here. */
export interface WebWorker {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  terminate(): void;
}

export function toThread(worker: NodeWorker | WebWorker): WorkerThread {
  return 'on' in worker ? nodeThread(worker) : webThread(worker);
}

function nodeThread(worker: NodeWorker): WorkerThread {
  let thrown: { readonly error: unknown } | undefined;
  let hasExited = false;
  return {
    post(message, transfer) {
      worker.postMessage(message, transfer as never[]);
    },
    listen({ onMessage, onLost }) {
      worker.on('message', (message) => {
        onMessage(message as FromWorker);
      });
      worker.on('messageerror', (error) => {
        onLost({ exitCode: undefined, thrown: { error } });
      });
      // Anything can be thrown, `undefined` too. What it was is known here, that it has ended later.
      worker.on('error', (error) => {
        thrown = { error };
      });
      worker.on('exit', (exitCode) => {
        hasExited = true;
        onLost({ exitCode: exitCode as number, thrown });
      });
    },
    async terminate() {
      if (!hasExited) await worker.terminate();
    },
  };
}

function webThread(worker: WebWorker): WorkerThread {
  return {
    post(message, transfer) {
      worker.postMessage(message, transfer);
    },
    listen({ onMessage, onLost }) {
      worker.addEventListener('message', (event) => {
        onMessage((event as MessageEvent<FromWorker>).data);
      });
      worker.addEventListener('messageerror', () => {
        const error = new Error('a message could not be read');
        onLost({ exitCode: undefined, thrown: { error } });
      });
      worker.addEventListener('error', (event) => {
        // A script that cannot be loaded says no more than that.
        const { error, message } = event as Partial<Readonly<Record<'error' | 'message', unknown>>>;
        const text = typeof message === 'string' ? message : 'its script could not be loaded';
        onLost({ exitCode: undefined, thrown: { error: error ?? new Error(text) } });
      });
    },
    terminate() {
      worker.terminate();
      return Promise.resolve();
    },
  };
}

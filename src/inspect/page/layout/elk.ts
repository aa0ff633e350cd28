/**
 * ELK's worker, asked by messages: `{ id, cmd, ... }` is answered by `{ id, data }` or `{ id, error }`.
 * Its own client says the same in twenty times as many bytes.
 */
import type { ElkNode } from 'elkjs/lib/elk-api.js';

export interface Elk {
  /** Rejects when ELK cannot lay the graph out, or when the worker does not load. */
  readonly layout: (graph: ElkNode) => Promise<ElkNode>;
}

interface Answer {
  readonly id: number;
  readonly data?: ElkNode;
  readonly error?: { readonly message?: string };
}

interface Waiting {
  readonly resolve: (laidOut: ElkNode) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the worker. `onBroken` is called when it does not load: another one has to be started then. */
export function startElk(url: string, onBroken: () => void): Elk {
  const worker = new Worker(url);
  const waiting = new Map<number, Waiting>();
  let next = 1;
  // Number 0: nobody waits for it, and the worker takes messages in their order.
  worker.postMessage({ id: 0, cmd: 'register', algorithms: ['layered'] });
  worker.onmessage = ({ data: { id, data, error } }: MessageEvent<Answer>) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (data !== undefined) asked?.resolve(data);
    else asked?.reject(new Error(error?.message ?? 'the layout failed'));
  };
  worker.onerror = () => {
    onBroken();
    for (const { reject } of waiting.values()) reject(new Error('the layout worker does not load'));
    waiting.clear();
  };
  return {
    layout: (graph) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, cmd: 'layout', graph, layoutOptions: {}, options: {} });
      }),
  };
}

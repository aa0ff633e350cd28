/** Workers in virtual time: each takes its time to start and for each run, and gives back what it gets. */
import type { SimEnv } from '../../../actors/sim-env.ts';
import { claim, setHolder, type Board } from '../../../actors/workers/board.ts';
import type {
  FromWorker,
  ToWorker,
  WorkerListener,
  WorkerRun,
  WorkerThread,
} from '../../../actors/workers/protocol.ts';
import type { WorkerModule } from '../../../src/workers/index.ts';

export interface VirtualWorkers {
  readonly module: WorkerModule<{ echo: (rows: readonly number[]) => number[] }>;
  /** When each of them was started. */
  readonly startedAt: readonly number[];
  /** When each of them has begun its first run. */
  readonly begunAt: readonly number[];
  readonly alive: () => number;
}

interface Times {
  readonly startMs: number;
  readonly runMs: number | ((row: number) => number);
  /** Number of the worker, from 0, and whether it ends as soon as it is ready. */
  readonly diesAtOnce?: (worker: number) => boolean;
}

export function virtualWorkers(
  env: SimEnv,
  { startMs, runMs, diesAtOnce = () => false }: Times,
): VirtualWorkers {
  const startedAt: number[] = [];
  const begunAt: number[] = [];
  let alive = 0;

  function spawn(): WorkerThread {
    const number = startedAt.push(env.now()) - 1;
    alive += 1;
    let isAlive = true;
    let isBusy = false;
    let board: Board | undefined;
    const queue: WorkerRun[] = [];
    let listener: WorkerListener | undefined;

    function tell(message: FromWorker): void {
      if (isAlive) listener?.onMessage(message);
    }

    function die(): void {
      if (!isAlive) return;
      isAlive = false;
      alive -= 1;
    }

    function hear(message: ToWorker): void {
      if (message.type === 'open') {
        ({ board } = message);
        tell({ type: 'loaded' });
        env.setTimer(startMs, () => {
          tell({ type: 'ready' });
          if (!diesAtOnce(number)) return;
          die();
          // It takes a moment until that is known.
          env.setTimer(1, () => listener?.onLost({ exitCode: 3, thrown: undefined }));
        });
      } else if (message.type === 'runs') {
        queue.push(...message.runs);
        work();
      } else if (message.type === 'close') {
        tell({ type: 'closed' });
      }
    }

    function work(): void {
      if (isBusy || !isAlive) return;
      let [run] = queue;
      while (run !== undefined && !claim(board, run.place, run.id)) {
        queue.shift();
        [run] = queue;
      }
      if (run === undefined) return;
      isBusy = true;
      begunAt[number] ??= env.now();
      setHolder(board, run.id);
      const { rows } = run.blocks[0] as { readonly rows: readonly number[] };
      const busyMs = typeof runMs === 'number' ? runMs : runMs(rows[0] ?? 0);
      env.setTimer(busyMs, () => {
        isBusy = false;
        queue.shift();
        setHolder(board, queue[0]?.id ?? 0);
        const outputs = run.blocks.map((block) => [block, 0, 0] as const);
        const report = {
          consumed: run.blocks.length,
          busyMs,
          droppedRows: [],
          held: undefined,
          end: 'done',
          next: queue[0]?.id,
          isSpent: false,
        } as const;
        tell({ type: 'news', news: [{ id: run.id, outputs, report }] });
        work();
      });
    }

    return {
      // A message takes a moment.
      post: (message) => {
        env.defer(() => {
          if (isAlive) hear(structuredClone(message));
        });
      },
      listen: (given) => {
        listener = given;
      },
      terminate: () => {
        die();
        return Promise.resolve();
      },
    };
  }

  return { module: { spawn }, startedAt, begunAt, alive: () => alive };
}

/**
 * The naive XState port of a streaming executor: one machine, and an actor for each task. Finished
 * children are stopped at once, or they would pile up.
 */
import { createActor, enqueueActions, fromPromise, setup, toPromise } from 'xstate';
import type { Job, Peer } from './peer.ts';

type Block = unknown[];

interface Context {
  readonly job: Job<unknown>;
  readonly input: Iterator<Block>;
  readonly exhausted: boolean;
  /** Blocks that wait for each stage; those for the first one wait in the source. */
  readonly queues: readonly (readonly Block[])[];
  readonly active: readonly number[];
  readonly tasks: number;
}

interface Done {
  readonly type: 'xstate.done.actor.task';
  readonly actorId: string;
  readonly output: { readonly stage: number; readonly block: Block };
}

const QUEUE = 8;

const executor = setup({
  types: { context: {} as Context, events: {} as Done, input: {} as Job<unknown> },
  actors: {
    task: fromPromise<Done['output'], { job: Job<unknown>; stage: number; block: Block }>(
      async ({ input: { job, stage, block } }) => {
        const transform = job.stages[stage]?.transform;
        return { stage, block: transform === undefined ? block : await transform(block) };
      },
    ),
  },
  actions: {
    collect: enqueueActions(({ context, event, enqueue }) => {
      const { stage, block } = event.output;
      enqueue.stopChild(event.actorId);
      const isLast = stage === context.job.stages.length - 1;
      enqueue.assign({
        active: context.active.with(stage, (context.active[stage] ?? 0) - 1),
        queues: isLast
          ? context.queues
          : context.queues.with(stage + 1, [...(context.queues[stage + 1] ?? []), block]),
      });
      if (isLast) void context.job.sink(block);
    }),
    schedule: enqueueActions(({ context, enqueue }) => {
      const { job, input } = context;
      const queues = context.queues.map((queue) => [...queue]);
      const active = [...context.active];
      let { exhausted, tasks } = context;
      const running = (): number => active.reduce((sum, count) => sum + count, 0);
      for (let stage = job.stages.length - 1; stage >= 0; stage--) {
        const limit = job.stages[stage]?.concurrency ?? 1;
        for (;;) {
          const full = (active[stage] ?? 0) >= limit || (queues[stage + 1]?.length ?? 0) >= QUEUE;
          if (full || running() >= (job.budget ?? Infinity)) break;
          let block = stage === 0 ? undefined : queues[stage]?.shift();
          if (stage === 0 && !exhausted) {
            const step = input.next();
            exhausted = step.done === true;
            block = step.done === true ? undefined : step.value;
          }
          if (block === undefined) break;
          active[stage] = (active[stage] ?? 0) + 1;
          enqueue.spawnChild('task', {
            id: `task${String(tasks++)}`,
            input: { job, stage, block },
          });
        }
      }
      enqueue.assign({ queues, active, exhausted, tasks });
    }),
  },
  guards: {
    isOver: ({ context: { exhausted, active, queues } }) =>
      exhausted &&
      active.every((count) => count === 0) &&
      queues.every((queue) => queue.length === 0),
  },
}).createMachine({
  context: ({ input: job }) => ({
    job,
    input: job.source[Symbol.iterator](),
    exhausted: false,
    queues: job.stages.map(() => []),
    active: job.stages.map(() => 0),
    tasks: 0,
  }),
  initial: 'running',
  states: {
    running: {
      entry: 'schedule',
      on: { 'xstate.done.actor.*': { actions: ['collect', 'schedule'] } },
      always: { guard: 'isOver', target: 'done' },
    },
    done: { type: 'final' },
  },
});

/** A sink that takes time is not waited for: keep it quick. */
export const naivePort: Peer = async (job) => {
  const actor = createActor(executor, { input: job as Job<unknown> });
  actor.start();
  await toPromise(actor);
};

/**
 * The world of one run: its store, runner, clock and outlet, made into the actors that the supervisor
 * chart spawns as its hands.
 */
import { fromCallback } from 'xstate';
import type {
  ClockEvent,
  DeadLetter,
  OutletEvent,
  RunnerEvent,
  StoreAddress,
  StoreEvent,
} from '../machines/hands.protocol.ts';
import { compiled } from '../machines/compiled.ts';
import { draftContext } from '../machines/operator/operator.context.ts';
import { operatorMachine } from '../machines/operator/operator.machine.ts';
import { resourceMachine } from '../machines/resource/resource.machine.ts';
import { draftTask } from '../machines/task/task.context.ts';
import { taskMachine } from '../machines/task/task.machine.ts';
import { supervisorMachine } from '../machines/supervisor/supervisor.machine.ts';
import type { SupervisorEvent } from '../machines/supervisor/supervisor.protocol.ts';
import { createBlockStore } from './block-store.ts';
import type { BlockStore, StoreUsage } from './block-store.types.ts';
import { createClock } from './clock.ts';
import type { Env } from './env.ts';
import { createInlineRunner } from './inline-runner.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { SpillingStore } from './spill.ts';
import type { OperatorProgram, TaskPlace } from './transform.ts';

const task = compiled(taskMachine, draftTask);
const operator = compiled(operatorMachine.provide({ actors: { task } }), draftContext);
const resource = compiled(resourceMachine, (context) => ({ ...context }));

export interface WorldOptions {
  readonly env: Env;
  /** Name of the pipeline. */
  readonly name: string;
  /** Where blocks go when there are too many bytes in memory; undefined: nowhere. */
  readonly spillingStore: SpillingStore | undefined;
  /** What may be in memory, by the run's budget. */
  readonly blockBytes: number;
  readonly programs: readonly OperatorProgram[];
  /** Handles rows that were given up. Never throws. */
  readonly onDeadLetter: (letter: DeadLetter, rows: readonly unknown[]) => void | Promise<void>;
  readonly onLog: (place: TaskPlace, values: readonly unknown[]) => void;
  readonly onProgress: (place: TaskPlace, fraction: number) => void;
}

export interface World {
  readonly env: Env;
  readonly store: BlockStore;
  readonly outlet: Outlet;
  /** The supervisor chart with this world for hands. */
  readonly machine: typeof supervisorMachine;
  /**
   * The run's actors are gone: stops what still runs. Resolves when nothing is left on disk, or nothing
   * but what the consumer has not taken yet.
   */
  readonly dispose: (reason: unknown) => Promise<void>;
  /**
   * The run is over, and what its consumer has not taken is not wanted any more. Resolves when nothing of
   * it is left.
   */
  readonly abandon: (reason: unknown) => Promise<void>;
  /** Resolves when the run is over and all blocks that are left of it are in memory. */
  readonly settled: () => Promise<void>;
}

export function createWorld(options: WorldOptions): World {
  const { env, programs, onDeadLetter, onLog, onProgress } = options;
  const { name, spillingStore, blockBytes } = options;
  const store = createBlockStore(
    spillingStore === undefined
      ? undefined
      : {
          spill: spillingStore.open({ name }),
          blockBytes,
          remake: (step, signal) => runner.remake(step, signal),
        },
  );
  const clock = createClock(env);
  /** Messages to the supervisor, once it is there. */
  let supervisor: (event: SupervisorEvent) => void = () => undefined;
  const send = (event: SupervisorEvent): void => {
    supervisor(event);
  };
  const outlet = createOutlet({
    env,
    store,
    send,
    onDeadLetter: (letter) => bury(letter),
  });
  async function bury(letter: DeadLetter): Promise<void> {
    let rows: readonly unknown[] = [];
    let { cause } = letter;
    try {
      ({ rows } = await store.load(letter.input));
    } catch (error) {
      cause = new AggregateError([cause, error], 'the block failed, and its rows are lost');
    }
    await onDeadLetter({ ...letter, cause }, rows);
  }
  const { createRunner = createInlineRunner } = env;
  const runner = createRunner({
    env,
    store,
    programs,
    onLog,
    onProgress,
    onDeadRow: (letter, row) => {
      outlet.await(Promise.resolve(onDeadLetter(letter, [row])));
    },
  });
  store.onReleased(() => {
    send({ type: 'store.changed' });
  });

  const machine = supervisorMachine.provide({
    actors: {
      operator,
      resource,
      runner: fromCallback<RunnerEvent>(({ receive }) => {
        receive(runner.receive);
      }),
      store: fromCallback<StoreEvent>(({ receive, sendBack, self }) => {
        supervisor = sendBack;
        stores.set(self, store);
        receive((event) => {
          receiveStore(store, event);
        });
      }),
      clock: fromCallback<ClockEvent>(({ receive }) => {
        receive(clock.receive);
      }),
      outlet: fromCallback<OutletEvent>(({ receive }) => {
        receive(outlet.receive);
        outlet.start();
      }),
    },
  });

  return {
    env,
    store,
    outlet,
    machine,
    async dispose(reason) {
      supervisor = () => undefined;
      clock.close();
      runner.dispose(reason);
      if (!outlet.isClosed()) {
        // The actors went without an end of the run: nobody is left who could let go of the blocks.
        outlet.receive({ type: 'outlet.close', outcome: 'cancelled', reason, replyTo: undefined });
        store.clear();
      }
      // What the run has waited for itself is waited for by nobody now.
      if (outlet.isBusy()) void runner.abandon(reason);
      const closed = store.close();
      if (outlet.isEmpty()) await closed;
    },
    async abandon(reason) {
      outlet.receive({ type: 'outlet.abandon', reason, replyTo: undefined });
      await runner.abandon(reason);
      await store.close();
    },
    settled: () => store.close(),
  };
}

/** The stores behind store actors. */
const stores = new WeakMap<StoreAddress, BlockStore>();

/** How much the store behind a store actor holds. */
export function storeUsage(actor: StoreAddress): StoreUsage {
  return stores.get(actor)?.usage ?? createBlockStore().usage;
}

function receiveStore(store: BlockStore, event: StoreEvent): void {
  switch (event.type) {
    case 'store.retain':
      for (const ref of event.refs) store.retain(ref, event.count);
      break;
    case 'store.release':
      for (const ref of event.refs) store.release(ref);
      break;
    case 'store.setLimit':
      store.setLimit(event.blockBytes);
      break;
    case 'store.poll':
      event.replyTo.send({
        type: 'store.report',
        released: store.takeReleased(),
        spill: store.spillReport(),
      });
      break;
  }
}

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
import { supervisorMachine } from '../machines/supervisor/supervisor.machine.ts';
import type { SupervisorEvent } from '../machines/supervisor/supervisor.protocol.ts';
import { createBlockStore, type BlockStore, type StoreUsage } from './block-store.ts';
import { createClock } from './clock.ts';
import type { Env } from './env.ts';
import { createInlineRunner } from './inline-runner.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { OperatorProgram, TransformContext } from './transform.ts';

export interface WorldOptions {
  readonly env: Env;
  readonly programs: readonly OperatorProgram[];
  /** Handles rows that were given up. Never throws. */
  readonly onDeadLetter: (letter: DeadLetter, rows: readonly unknown[]) => void | Promise<void>;
  readonly onLog: (context: TransformContext, values: readonly unknown[]) => void;
  readonly onProgress: (context: TransformContext, fraction: number) => void;
}

export interface World {
  readonly env: Env;
  readonly store: BlockStore;
  readonly outlet: Outlet;
  /** The supervisor chart with this world for hands. */
  readonly machine: typeof supervisorMachine;
  /** The run's actors are gone: stops what still runs. */
  readonly dispose: (reason: unknown) => void;
}

export function createWorld(options: WorldOptions): World {
  const { env, programs, onDeadLetter, onLog, onProgress } = options;
  const store = createBlockStore();
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
    onDeadLetter: (letter) => onDeadLetter(letter, store.get(letter.input).rows),
  });
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
    dispose(reason) {
      supervisor = () => undefined;
      clock.close();
      runner.dispose(reason);
      if (outlet.isClosed()) return;
      // The actors went without an end of the run: nobody is left who could let go of the blocks.
      outlet.receive({ type: 'outlet.close', outcome: 'cancelled', reason, replyTo: undefined });
      store.clear();
    },
  };
}

/** The stores behind store actors. */
const stores = new WeakMap<StoreAddress, BlockStore>();

/** How much the store behind a store actor holds. */
export function storeUsage(actor: StoreAddress): StoreUsage {
  return stores.get(actor)?.usage ?? { blocks: 0, bytes: 0, peakBytes: 0, largestBytes: 0 };
}

function receiveStore(store: BlockStore, event: StoreEvent): void {
  switch (event.type) {
    case 'store.retain':
      for (const ref of event.refs) store.retain(ref, event.count);
      break;
    case 'store.release':
      for (const ref of event.refs) store.release(ref);
      break;
    case 'store.poll':
      event.replyTo.send({ type: 'store.report', released: store.takeReleased() });
      break;
  }
}

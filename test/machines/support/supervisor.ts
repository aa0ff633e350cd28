/** A supervisor's context for its pure decisions, with recorders in place of everybody it talks to. */
import type {
  ClockEvent,
  OutletEvent,
  RunnerEvent,
  StoreEvent,
} from '../../../machines/hands.protocol.ts';
import { noSpill } from '../../../machines/hands.protocol.ts';
import type { OperatorEvent, OperatorView } from '../../../machines/operator/operator.protocol.ts';
import type { Plan } from '../../../machines/plan.ts';
import { mostDownstream } from '../../../machines/ranking.ts';
import type { ResourceEvent } from '../../../machines/resource/resource.protocol.ts';
import {
  freshView,
  nothingLoosened,
  type SupervisorContext,
} from '../../../machines/supervisor/supervisor.context.ts';
import type { SupervisorEvent } from '../../../machines/supervisor/supervisor.protocol.ts';
import type { Message } from '../../../machines/xstate.ts';
import { recorder } from './recorder.ts';

/** Room for so many bytes that no block is too large. */
export const BLOCK_BYTES = 1_000_000;

export interface Desk {
  readonly context: SupervisorContext;
  readonly self: ReturnType<typeof recorder<SupervisorEvent>>['address'];
  /** Messages as data: to whom, and what. */
  readonly read: (messages: readonly Message[] | undefined) => readonly Letter[];
}

export interface Letter {
  readonly to: string;
  readonly event: { readonly type: string };
}

/** `views` are what differs from operators to which nothing has happened. */
export function desk(
  plan: Plan,
  views: readonly Partial<OperatorView>[] = [],
  parts: Partial<SupervisorContext> = {},
): Desk {
  const runner = recorder<RunnerEvent>().address;
  const store = recorder<StoreEvent>().address;
  const clock = recorder<ClockEvent>().address;
  const outlet = recorder<OutletEvent>().address;
  const resource = recorder<ResourceEvent>().address;
  const operators = plan.operators.map(() => recorder<OperatorEvent>().address);
  const names = new Map<unknown, string>([
    [runner, 'runner'],
    [store, 'store'],
    [clock, 'clock'],
    [outlet, 'outlet'],
    [resource, 'resource'],
    ...operators.map((address, index): [unknown, string] => [
      address,
      plan.operators[index]?.name ?? '',
    ]),
  ]);
  return {
    self: recorder<SupervisorEvent>().address,
    read: (messages = []) =>
      messages.map(({ to, event }) => ({ to: names.get(to) ?? 'somebody', event })),
    context: {
      plan,
      budget: { resources: { cpu: { amount: 4000 } }, blockBytes: BLOCK_BYTES },
      ranking: mostDownstream,
      staff: { runner, store, clock, outlet, resource, operators },
      startedAt: 0,
      now: 50,
      cycles: 0,
      views: plan.operators.map((operator, index) => ({
        ...freshView(operator),
        ...views[index],
      })),
      reports: plan.operators.map(() => undefined),
      changed: [],
      stirred: false,
      loosened: nothingLoosened,
      cycleAsked: false,
      awaited: 0,
      arrived: [],
      unsettled: [],
      demand: 0,
      portsDone: [],
      stopped: [],
      closed: [],
      asked: [],
      told: plan.operators.map(() => undefined),
      passedOver: plan.operators.map(() => 0),
      refilling: false,
      liveBytes: 0,
      consumer: { held: 0, waits: false, burying: 0 },
      spill: noSpill,
      fruitless: 0,
      paused: false,
      stepping: 'no',
      stepTask: undefined,
      stopping: false,
      delivered: false,
      abandoning: false,
      ending: undefined,
      laterErrors: [],
      ...parts,
    },
  };
}

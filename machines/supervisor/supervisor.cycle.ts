/** The first phases of a cycle: poll, transfer, complete. Pure decisions of the supervisor chart. */
import { bytesOf, type BlockRef } from '../block.ts';
import { draftView } from '../operator/operator.drafts.ts';
import type { OperatorView } from '../operator/operator.protocol.ts';
import { CONSUMER, type Destination, type OperatorPlan } from '../plan.ts';
import { tell, type Message } from '../xstate.ts';
import {
  nothingLoosened,
  planOf,
  replace,
  roomOn,
  tellOperator,
  unsettledOf,
  viewAt,
  type EventOf,
  type SupervisorContext,
  type SupervisorStep,
} from './supervisor.context.ts';
import type { SupervisorAddress } from './supervisor.protocol.ts';
import { distribute } from './supervisor.route.ts';

/** Asks all that have changed, and all whose outputs can be moved now, for a report. */
export function poll(
  context: SupervisorContext,
  { now }: EventOf<'cycle'>,
  self: SupervisorAddress,
): SupervisorStep {
  const rooms = allotRoom(context);
  const polled = context.plan.operators.filter(
    ({ index }) => context.changed.includes(index) || (rooms.get(index) ?? 0) > 0,
  );
  const { staff } = context;
  return {
    context: {
      now,
      cycles: context.cycles + 1,
      changed: [],
      stirred: false,
      loosened: nothingLoosened,
      cycleAsked: false,
      awaited: polled.length + 2,
      arrived: [],
    },
    send: [
      ...polled.map(({ index }) =>
        tellOperator(context, index, {
          type: 'operator.poll',
          room: rooms.get(index) ?? 0,
          now,
        }),
      ),
      tell(staff.store, { type: 'store.poll', replyTo: self }),
      tell(staff.outlet, { type: 'outlet.poll', replyTo: self }),
    ],
  };
}

/** Takes one operator's report. */
export function takeReport(
  context: SupervisorContext,
  report: EventOf<'operator.report'>,
): SupervisorStep {
  const { operator, view, outputs, tokens, produced, returned, failure } = report;
  const settles = tokens.length > 0 || produced > 0 || returned > 0;
  return {
    context: {
      awaited: context.awaited - 1,
      fruitless: 0,
      views: replace(context.views, operator, view),
      reports: replace(context.reports, operator, report),
      arrived:
        outputs.length === 0
          ? context.arrived
          : [...context.arrived, { from: operator, refs: outputs }],
      unsettled: settles
        ? [...context.unsettled, unsettledOf(operator, { tokens, produced, returned })]
        : context.unsettled,
      ...(failure === undefined || context.ending !== undefined
        ? {}
        : { ending: { outcome: 'failed', operator, failure } }),
    },
  };
}

/** Takes the store's report of freed bytes. */
export function takeFreed(
  context: SupervisorContext,
  { released, spill }: EventOf<'store.report'>,
): SupervisorStep {
  const freed = [...released].map(([holder, bytes]) => unsettledOf(holder, { released: bytes }));
  return {
    context: {
      awaited: context.awaited - 1,
      unsettled: [...context.unsettled, ...freed],
      spill,
      fruitless: freed.length > 0 ? 0 : context.fruitless,
    },
  };
}

/** Takes note of how the consumer is doing. */
export function takeConsumer(
  { awaited }: SupervisorContext,
  { held, waits, burying }: EventOf<'outlet.report'>,
): SupervisorStep {
  return { context: { awaited: awaited - 1, consumer: { held, waits, burying } } };
}

/** Moves polled blocks to the operators that follow, and to the consumer: one message a receiver. */
export function transfer(context: SupervisorContext): SupervisorStep {
  const inputs = new Map<string, { to: number; port: number; refs: BlockRef[] }>();
  const delivered: BlockRef[] = [];
  const place = (to: number, port: number, refs: readonly BlockRef[]): void => {
    if (to === CONSUMER) {
      delivered.push(...refs);
      return;
    }
    const key = portKey(to, port);
    const input = inputs.get(key);
    if (input === undefined) inputs.set(key, { to, port, refs: [...refs] });
    else input.refs.push(...refs);
  };

  const send: Message[] = [];
  for (const { from, refs } of context.arrived) {
    const { route, queueBlocks } = planOf(context, from);
    const { placed, retained } = distribute(context, route, refs, queueBlocks);
    for (const { operator, port, refs: part } of placed) place(operator, port, part);
    for (const { refs: shared, count } of retained) {
      send.push(tell(context.staff.store, { type: 'store.retain', refs: shared, count }));
    }
  }
  let { views } = context;
  for (const { to, port, refs } of inputs.values()) {
    send.push(tellOperator(context, to, { type: 'operator.input', port, refs }));
    views = replace(views, to, withInput(viewAt(views, to), port, refs, context));
  }
  if (delivered.length > 0) {
    send.push(tell(context.staff.outlet, { type: 'outlet.deliver', refs: delivered }));
  }
  return {
    context: { views, arrived: [], demand: context.demand - delivered.length },
    send,
  };
}

/** Passes on that inputs are over and that outputs are not wanted, and settles the accounts. */
export function complete(context: SupervisorContext): SupervisorStep {
  const { plan, views, staff, now } = context;
  const send: Message[] = [];
  const portsDone = [...context.portsDone];
  const stopped = [...context.stopped];
  const closed = [...context.closed];
  const unsettled = [...context.unsettled];

  for (const { index, ports } of plan.operators) {
    for (let port = 0; port < ports; port++) {
      const key = portKey(index, port);
      if (portsDone.includes(key) || !feedersAreOver(context, index, port)) continue;
      portsDone.push(key);
      send.push(tellOperator(context, index, { type: 'operator.inputsDone', port, now }));
    }
  }
  for (const { index, kind, destinations } of [...plan.operators].reverse()) {
    const view = viewAt(views, index);
    const unwanted =
      kind !== 'sink' &&
      destinations.every(
        ({ operator }) => operator !== CONSUMER && viewAt(views, operator).satisfied,
      );
    if (!unwanted || view.over || stopped.includes(index)) continue;
    stopped.push(index);
    send.push(tellOperator(context, index, { type: 'operator.stop', now }));
  }
  for (const { index, over } of views) {
    if (!over || closed.includes(index)) continue;
    closed.push(index);
    unsettled.push(unsettledOf(index, { closed: true }));
  }
  if (unsettled.length > 0) {
    send.unshift(tell(staff.resource, { type: 'resource.settle', settlements: unsettled }));
  }
  const ending =
    context.ending ?? (views.every(({ over }) => over) ? { outcome: 'done' as const } : undefined);
  return { context: { portsDone, stopped, closed, unsettled: [], ending }, send };
}

function feedersAreOver(
  { plan, views }: SupervisorContext,
  operator: number,
  port: number,
): boolean {
  const feeders = plan.operators.filter(({ destinations }) =>
    destinations.some((end) => end.operator === operator && end.port === port),
  );
  return feeders.length > 0 && feeders.every(({ index }) => viewAt(views, index).over);
}

/** Room for the outputs of those that may have some; operators that feed one port share it, in turns. */
function allotRoom(context: SupervisorContext): ReadonlyMap<number, number> {
  const operators = context.plan.operators.filter(
    ({ index }) => context.changed.includes(index) || viewAt(context.views, index).outBlocks > 0,
  );
  const feeders = new Map<string, number>();
  for (const plan of operators) {
    for (const key of portsFedBy(plan).keys()) feeders.set(key, (feeders.get(key) ?? 0) + 1);
  }
  const left = new Map<string, number>();
  const rooms = new Map<number, number>();
  for (let turn = 0; turn < operators.length; turn++) {
    const plan = operators[(turn + context.cycles) % operators.length];
    if (plan === undefined) continue;
    let room = roomOn(context, plan.route, plan.queueBlocks);
    for (const [key, { end, branches }] of portsFedBy(plan)) {
      const sharing = feeders.get(key) ?? 1;
      if (sharing === 1 && branches === 1 && !left.has(key)) continue;
      const free = left.get(key) ?? roomOn(context, end, plan.queueBlocks);
      const part = Math.ceil(free / sharing);
      // Rather one block over the limit than none for ever, when there is room on one branch only.
      room = Math.min(room, part === 0 ? 0 : Math.max(1, Math.floor(part / branches)));
      feeders.set(key, sharing - 1);
      left.set(key, free - part);
    }
    rooms.set(plan.index, room);
  }
  return rooms;
}

/** What the receiver will report once it has got these blocks. */
function withInput(
  view: OperatorView,
  port: number,
  refs: readonly BlockRef[],
  context: SupervisorContext,
): OperatorView {
  if (view.satisfied) return view;
  const queuedPerPort = replace(
    view.queuedPerPort,
    port,
    (view.queuedPerPort[port] ?? 0) + refs.length,
  );
  // Whether an operator with several ports can start is for it to say: it reports at once.
  const { ports } = planOf(context, view.index);
  const next = draftView(view);
  next.queuedBlocks += refs.length;
  next.queuedBytes += bytesOf(refs);
  next.queuedPerPort = queuedPerPort;
  if (ports === 1) next.startable += refs.length;
  return next;
}

/** Where an operator's outputs go, by port, and how many of its branches lead there. */
function portsFedBy({ destinations }: OperatorPlan): ReadonlyMap<string, FedPort> {
  const ports = new Map<string, FedPort>();
  for (const end of destinations) {
    const key = portKey(end.operator, end.port);
    ports.set(key, { end, branches: (ports.get(key)?.branches ?? 0) + 1 });
  }
  return ports;
}

interface FedPort {
  readonly end: Destination;
  readonly branches: number;
}

function portKey(operator: number, port: number): string {
  return `${String(operator)}:${String(port)}`;
}

/** Breadth first through every order in which messages can be delivered and things can happen. */
import { createHash } from 'node:crypto';
import type { AnyActorRef } from 'xstate';
import type { SupervisorContext } from '../../machines/supervisor/supervisor.context.ts';
import { canonicalText } from './canonical.ts';
import {
  createRoot,
  pathOf,
  react,
  snapshotOf,
  type ChartSnapshot,
  type Message,
  type Sent,
} from './charts.ts';
import type { ModelConfig } from './config.ts';
import { checkEnd, checkState } from './invariants.ts';
import { choices, initialWorld, receive, SUPERVISOR, type World } from './world.ts';

/** One state of everything: charts, messages on their way, world. */
export interface ModelState {
  readonly charts: ReadonlyMap<string, ChartSnapshot>;
  /** Messages from one actor to another, oldest first, by `from>to`. */
  readonly channels: ReadonlyMap<string, readonly Message[]>;
  readonly world: World;
  /** The same messages in the order in which the last chart sent them. */
  readonly outbox?: readonly Sent[] | undefined;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Whether everything was seen, or the limit came first. */
  readonly exhausted: boolean;
  readonly ends: ReadonlyMap<string, number>;
}

const HANDS = ['runner', 'store', 'clock', 'outlet'];

/** How a state was come to. States before it are not kept: there are too many. */
interface Way {
  readonly step: string;
  readonly before: Way | undefined;
}

interface Visit {
  readonly state: ModelState;
  readonly way: Way;
}

/**
 * How messages between charts are delivered: in every order (`channels`), or as XState does it, at once
 * and nested (`nested`), so that only what the world does can come in different orders.
 */
export type Delivery = 'channels' | 'nested';

/** @throws Error that names the broken invariant and tells the way to it. */
export function explore(config: ModelConfig, delivery: Delivery, limit: number): Exploration {
  const actors = new Map<string, AnyActorRef>();
  const root = createRoot(config.input);
  actors.set(SUPERVISOR, root.supervisor);
  const charts = new Map<string, ChartSnapshot>([[SUPERVISOR, root.snapshot]]);
  const { staff } = root.snapshot.context as unknown as SupervisorContext;
  for (const actor of [staff.resource, ...staff.operators]) {
    actors.set(pathOf(actor), actor);
    charts.set(pathOf(actor), snapshotOf(actor));
  }
  const settle = (state: ModelState): ModelState =>
    delivery === 'nested' ? deliverNested(state, actors) : state;
  const empty = { charts, channels: new Map(), world: initialWorld(config) };
  const first = settle(send(empty, SUPERVISOR, root.sent));
  const seen = new Set<string>([fingerprint(first)]);
  let frontier: Visit[] = [{ state: first, way: { step: 'start', before: undefined } }];
  let transitions = 0;
  const ends = new Map<string, number>();

  while (frontier.length > 0 && seen.size < limit) {
    const next: Visit[] = [];
    for (const { state: before, way } of frontier) {
      let successors: [string, ModelState][];
      try {
        successors = successorsOf(before, config, actors, settle);
        if (successors.length === 0) {
          const end = checkEnd(before, config);
          ends.set(end, (ends.get(end) ?? 0) + 1);
        }
      } catch (error) {
        throw withPath(error, way);
      }
      for (const [step, state] of successors) {
        transitions += 1;
        const key = fingerprint(state);
        if (seen.has(key)) continue;
        seen.add(key);
        const visit = { state, way: { step, before: way } };
        try {
          checkState(state);
        } catch (error) {
          throw withPath(error, visit.way);
        }
        next.push(visit);
      }
    }
    frontier = next;
  }
  return { states: seen.size, transitions, exhausted: frontier.length === 0, ends };
}

function successorsOf(
  state: ModelState,
  config: ModelConfig,
  actors: Map<string, AnyActorRef>,
  settle: (state: ModelState) => ModelState,
): [string, ModelState][] {
  const successors: [string, ModelState][] = [];
  for (const [channel, messages] of state.channels) {
    const [message, ...rest] = messages;
    const to = channel.slice(channel.indexOf('>') + 1);
    if (message === undefined) continue;
    const channels = new Map(state.channels);
    if (rest.length === 0) channels.delete(channel);
    else channels.set(channel, rest);
    successors.push([
      `${channel} ${message.type}`,
      deliver({ ...state, channels }, to, message, actors),
    ]);
  }
  for (const { name, from, world, replies } of choices(state.world, config)) {
    successors.push([name, settle(sendAll({ ...state, world }, from, replies))]);
  }
  return successors;
}

/**
 * Delivers all messages as XState does: a receiver reacts at once, before the sender's next message is
 * delivered; while it is busy, its messages wait in its mailbox.
 */
function deliverNested(state: ModelState, actors: Map<string, AnyActorRef>): ModelState {
  let next: ModelState = { ...state, channels: new Map() };
  const busy = new Set<string>();
  const mailboxes = new Map<string, Message[]>();

  function give(to: string, message: Message): void {
    if (busy.has(to)) {
      mailboxes.set(to, [...(mailboxes.get(to) ?? []), message]);
      return;
    }
    busy.add(to);
    handle(to, message);
    for (let waiting = mailboxes.get(to)?.shift(); waiting !== undefined;) {
      handle(to, waiting);
      waiting = mailboxes.get(to)?.shift();
    }
    busy.delete(to);
  }

  function handle(to: string, message: Message): void {
    const { outbox = [], ...after } = deliver(next, to, message, actors);
    next = { ...after, channels: new Map() };
    // What it sends is delivered in order, whoever it is for.
    for (const { to: receiver, event } of outbox) give(receiver, event);
  }

  for (const [channel, messages] of state.channels) {
    const to = channel.slice(channel.indexOf('>') + 1);
    for (const message of messages) give(to, message);
  }
  return { ...next, outbox: undefined };
}

function deliver(
  state: ModelState,
  to: string,
  message: Message,
  actors: Map<string, AnyActorRef>,
): ModelState {
  const actor = actors.get(to);
  const snapshot = state.charts.get(to);
  if (actor === undefined || snapshot === undefined) throw new Error(`S14: no actor ${to}`);
  if (snapshot.status !== 'active') return state;
  const { snapshot: after, sent } = react(actor, snapshot, message);
  if (after.error !== undefined) throw after.error as Error;
  const charts = new Map(state.charts).set(to, after);
  for (const child of Object.values(after.children)) {
    const path = pathOf(child);
    if (to === SUPERVISOR || charts.has(path)) continue;
    if (!actors.has(path)) actors.set(path, child);
    charts.set(path, snapshotOf(child));
  }
  return send({ ...state, charts }, to, sent);
}

/** Puts messages into their channels; the hands understand theirs at once. */
function send(state: ModelState, from: string, sent: readonly Sent[]): ModelState {
  let next: ModelState = { ...state, outbox: [] };
  for (const { to, event } of sent) {
    const hand = to.slice(to.lastIndexOf('/') + 1);
    if (!HANDS.includes(hand)) {
      next = queue(next, from, to, event);
      continue;
    }
    const { world, replies } = receive(next.world, event as never);
    next = sendAll({ ...next, world }, hand, replies);
  }
  return next;
}

function sendAll(state: ModelState, from: string, sent: readonly Sent[]): ModelState {
  return sent.reduce((next, { to, event }) => queue(next, from, to, event), state);
}

function queue(state: ModelState, from: string, to: string, event: Message): ModelState {
  const channel = `${from}>${to}`;
  const messages = [...(state.channels.get(channel) ?? []), event];
  const outbox = [...(state.outbox ?? []), { to, event }];
  return { ...state, channels: new Map(state.channels).set(channel, messages), outbox };
}

function fingerprint({ charts, channels, world }: ModelState): string {
  const parts: unknown[] = [];
  for (const path of [...charts.keys()].sort()) {
    const chart = charts.get(path);
    parts.push(path, chart?.value, chart?.context);
  }
  for (const channel of [...channels.keys()].sort()) parts.push(channel, channels.get(channel));
  parts.push({ ...world, blocks: [...world.blocks].sort(), taken: [...world.taken].sort() });
  return createHash('md5').update(canonicalText(parts)).digest('base64');
}

function withPath(error: unknown, way: Way): Error {
  const steps: string[] = [];
  for (let at: Way | undefined = way; at !== undefined; at = at.before) steps.push(at.step);
  const message = error instanceof Error ? error.message : String(error);
  const path = steps.reverse().join('\n  ');
  return new Error(`${message}\nafter ${String(steps.length)} steps:\n  ${path}`, { cause: error });
}

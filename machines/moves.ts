/**
 * What can happen in each state of a chart, worked out from XState's definition of it: what is tried for
 * an event, what is decided on the way, and where it leads. Once for each state and event.
 */
import type { AnyActorRef, AnyStateMachine, EventObject, MachineContext, StateValue } from 'xstate';
import { decisionOf, type Decision } from './xstate.ts';

export type StateNode = AnyStateMachine['root'];
export type Transition = NonNullable<StateNode['always']>[number];

/** A snapshot of a chart, as far as it is looked at here. */
export interface ChartSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly machine: AnyStateMachine;
  readonly context: MachineContext;
  readonly children: Readonly<Record<string, AnyActorRef | undefined>>;
  /** The states the chart is in. */
  readonly _nodes: readonly StateNode[];
}

type Guard = (args: { readonly context: MachineContext; readonly event: EventObject }) => boolean;

/** A transition, worked out for one innermost state. */
export interface Move {
  /** It alone, as inspectors want it. */
  readonly transitions: readonly [Transition];
  readonly guard: Guard | undefined;
  /** What is decided on the way, from the states that are left to those that are entered. */
  readonly decisions: readonly Decision[];
  readonly from: Leaf;
  readonly target: Leaf;
}

/** An innermost state: a chart of ours is in one at a time. */
export interface Leaf {
  readonly node: StateNode;
  readonly machine: AnyStateMachine;
  /** What all snapshots have in common while the chart is in this state. */
  readonly template: ChartSnapshot;
  /** What to try for an event, in this order: filled as events come. */
  readonly on: Map<string, Moves>;
  /** What to try when an event has been dealt with; undefined before it was looked up. */
  always: Moves | undefined;
}

/** `unknown` when one of them does something that only XState knows. */
export type Moves = readonly Move[] | 'unknown';

/** By the states of a snapshot: those made from one template have them in common. */
const leavesOfSnapshots = new WeakMap<readonly StateNode[], Leaf>();
const leaves = new WeakMap<StateNode, Leaf>();

/** What to try for an event. */
export function movesOn(snapshot: ChartSnapshot, type: string): Moves {
  const leaf = leafOf(snapshot);
  if (leaf === undefined) return 'unknown';
  let moves = leaf.on.get(type);
  if (moves === undefined) {
    const line = lineOf(leaf.node);
    const candidates = line.flatMap(({ transitions }) => transitions.get(type) ?? []);
    // Patterns of event types are for XState.
    moves = line.some(hasPatterns) ? 'unknown' : workOut(leaf, candidates);
    leaf.on.set(type, moves);
  }
  return moves;
}

/** What to try when an event has been dealt with. */
export function movesAfter(snapshot: ChartSnapshot): Moves {
  const leaf = leafOf(snapshot);
  if (leaf === undefined) return 'unknown';
  leaf.always ??= workOut(
    leaf,
    lineOf(leaf.node).flatMap(({ always }) => always ?? []),
  );
  return leaf.always;
}

function leafOf({ _nodes: nodes, machine }: ChartSnapshot): Leaf | undefined {
  const known = leavesOfSnapshots.get(nodes);
  if (known !== undefined) return known;
  const [node, another] = nodes.filter(({ type }) => type === 'atomic');
  if (node === undefined || another !== undefined) return undefined;
  const leaf = leafAt(machine, node);
  leavesOfSnapshots.set(nodes, leaf);
  return leaf;
}

function leafAt(machine: AnyStateMachine, node: StateNode): Leaf {
  let leaf = leaves.get(node);
  if (leaf === undefined) {
    const template = machine.resolveState({ value: valueOf(node), context: {} }) as ChartSnapshot;
    leaf = { node, machine, template, on: new Map(), always: undefined };
    leaves.set(node, leaf);
    leavesOfSnapshots.set(template._nodes, leaf);
  }
  return leaf;
}

function workOut(leaf: Leaf, transitions: readonly Transition[]): Moves {
  const moves = transitions.map((transition) => moveOf(leaf, transition));
  return moves.every((move) => move !== undefined) ? moves : 'unknown';
}

/** Follows the algorithm of SCXML for a chart without parallel states and history. */
function moveOf(from: Leaf, transition: Transition): Move | undefined {
  const { node, machine } = from;
  const { source, target: targets = [], guard: guardName, reenter, actions } = transition;
  const [wanted, another] = targets;
  if (another !== undefined || reenter) return undefined;
  const target = wanted === undefined ? node : innermost(wanted);
  if (target === undefined) return undefined;
  const domain = wanted === undefined ? node : domainOf(wanted, source);
  const exited = below(domain, node);
  const entered = below(domain, target).reverse();
  if ([...exited, ...entered].some(({ invoke }) => invoke.length > 0)) return undefined;
  const { actions: named, guards } = machine.implementations;
  const decisions = [
    ...exited.flatMap(({ exit }) => exit),
    ...actions,
    ...entered.flatMap(({ entry }) => entry),
  ].map((action) => decisionOf(implementation(named, action)));
  const guard = implementation(guards, guardName);
  const isGuardKnown = guardName === undefined || typeof guard === 'function';
  if (!isGuardKnown || !decisions.every((decision) => decision !== undefined)) return undefined;
  return {
    transitions: [transition],
    guard: guard as Guard | undefined,
    decisions,
    from,
    target: leafAt(machine, target),
  };
}

function implementation(named: Readonly<Record<string, unknown>>, name: unknown): unknown {
  return typeof name === 'string' ? named[name] : undefined;
}

function hasPatterns({ transitions }: StateNode): boolean {
  return [...transitions.keys()].some((descriptor) => descriptor.endsWith('*'));
}

/** The innermost state that is entered with another one; undefined when that ends something. */
function innermost(node: StateNode): StateNode | undefined {
  if (node.type === 'atomic') return node;
  if (node.type !== 'compound') return undefined;
  const { target, actions } = node.initial;
  const [first] = target;
  return first === undefined || actions.length > 0 ? undefined : innermost(first);
}

/** The state that is not left: the one a transition is of, if that leads into it, else the closest around. */
function domainOf(target: StateNode, source: StateNode): StateNode {
  const line = lineOf(target);
  if (line.includes(source)) return source;
  const around = lineOf(source).slice(1);
  return line.slice(1).find((node) => around.includes(node)) ?? source.machine.root;
}

/** A state, and those it is in, up to the root. */
function lineOf(node: StateNode): readonly StateNode[] {
  return node.parent === undefined ? [node] : [node, ...lineOf(node.parent)];
}

/** The states from an innermost one up to another, without that one. */
function below(domain: StateNode, leaf: StateNode): StateNode[] {
  const line = lineOf(leaf);
  return line.slice(0, line.indexOf(domain));
}

function valueOf({ path }: StateNode): StateValue {
  return path
    .slice(0, -1)
    .reduceRight<StateValue>((inner, key) => ({ [key]: inner }), path.at(-1) ?? '');
}

/**
 * A statechart as plain JSON, to be drawn: states, transitions, and what happens in them, by name. Made
 * from any XState machine.
 */

export interface MachineDefinition {
  /** The machine's id. */
  readonly id: string;
  readonly description?: string;
  readonly root: StateDefinition;
}

export interface StateDefinition {
  /** Path of the state below the root, with dots: `running.polling`. Empty for the root. */
  readonly id: string;
  readonly name: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly description?: string;
  /** Id of the state that is entered first. */
  readonly initial?: string;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** What runs as long as the state is active. */
  readonly invoke: readonly string[];
  readonly transitions: readonly TransitionDefinition[];
  readonly states: readonly StateDefinition[];
}

export interface TransitionDefinition {
  /** `<state>/<event>/<number>`: as in `state.entered`. */
  readonly id: string;
  /** The event's type; empty for a transition that is taken by itself. */
  readonly event: string;
  /** How to show the event: `after 100 ms`, `done (fetch)`; missing when it is its type. */
  readonly label?: string;
  /** Ids of the states it leads to; empty when it stays where it is. */
  readonly targets: readonly string[];
  readonly guard?: string;
  readonly actions: readonly string[];
  readonly description?: string;
}

/** The parts of XState's state nodes that are read here. */
interface StateNode {
  readonly key: string;
  readonly path: readonly string[];
  readonly type: StateDefinition['type'];
  readonly description?: string | undefined;
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly invoke: readonly { readonly src: unknown; readonly id?: string }[];
  readonly states: Readonly<Record<string, StateNode>>;
  readonly initial?: { readonly target: readonly StateNode[] };
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
}

interface Transition {
  readonly source: StateNode;
  readonly eventType: string;
  readonly target?: readonly StateNode[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
  readonly description?: string | undefined;
}

/** The definition of an actor's logic, if it is a statechart. */
export function describeMachine(logic: unknown): MachineDefinition | undefined {
  const { root, id } = (logic ?? {}) as { root?: StateNode; id?: string };
  if (root === undefined || typeof root.states !== 'object') return undefined;
  return { id: id ?? root.key, ...described(root), root: describeState(root) };
}

/** The id of a transition that XState says it has taken. */
export function transitionId(taken: unknown): string {
  const transition = taken as Transition;
  const { source, eventType } = transition;
  const siblings = eventType === '' ? source.always : source.transitions.get(eventType);
  return idOf(source, eventType, siblings?.indexOf(transition) ?? 0);
}

function describeState(node: StateNode): StateDefinition {
  const always = (node.always ?? []).map((transition, index) => describe(transition, '', index));
  const others = [...node.transitions].flatMap(([event, transitions]) =>
    transitions.map((transition, index) => describe(transition, event, index)),
  );
  const [first] = node.initial?.target ?? [];
  return {
    id: node.path.join('.'),
    name: node.key,
    type: node.type,
    ...described(node),
    ...(first === undefined ? {} : { initial: first.path.join('.') }),
    entry: node.entry.map(nameOf),
    exit: node.exit.map(nameOf),
    invoke: node.invoke.map(({ src, id }) => (typeof src === 'string' ? src : (id ?? 'actor'))),
    transitions: [...always, ...others],
    states: Object.values(node.states).map(describeState),
  };
}

function describe(transition: Transition, event: string, index: number): TransitionDefinition {
  const { guard, target = [], actions } = transition;
  const label = labelOf(event);
  return {
    id: idOf(transition.source, event, index),
    event,
    ...(label === undefined ? {} : { label }),
    targets: target.map(({ path }) => path.join('.')),
    ...(guard === undefined ? {} : { guard: nameOf(guard) }),
    actions: actions.map(nameOf),
    ...described(transition),
  };
}

function idOf(source: StateNode, event: string, index: number): string {
  return `${source.path.join('.')}/${event}/${String(index)}`;
}

function described({ description }: { readonly description?: string | undefined }): {
  readonly description?: string;
} {
  return description === undefined ? {} : { description };
}

/** Events that XState makes have types that are not for people. */
function labelOf(event: string): string | undefined {
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(event) ?? [];
  if (delay !== undefined) return /^\d+$/.test(delay) ? `after ${delay} ms` : `after ${delay}`;
  const [, kind, actor] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event) ?? [];
  if (kind !== undefined && actor !== undefined) return `${kind} (${actor})`;
  return event.startsWith('xstate.done.state.') ? 'done' : undefined;
}

/** The name of an action or a guard. */
function nameOf(implementation: unknown): string {
  if (typeof implementation === 'string') return implementation;
  if (typeof implementation === 'function') {
    const { type, name } = implementation as { type?: unknown; name: string };
    if (typeof type === 'string') return type;
    return name === '' ? '(inline)' : name;
  }
  const { type } = (implementation ?? {}) as { type?: unknown };
  return typeof type === 'string' ? type : '(inline)';
}

/**
 * Statecharts of XState 4, as `@xstate/inspect` tells of them, in the words of ours. What is told comes
 * over a wire: whatever is not what it should be is left out.
 */
import type {
  MachineDefinition,
  StateDefinition,
  TransitionDefinition,
} from '../../../machines/machine-definition.ts';

type Fields = Readonly<Record<string, unknown>>;

const TYPES: readonly string[] = ['atomic', 'compound', 'parallel', 'final', 'history'];
/** Deeper ones are refused by `checkEvent`, and could be made to take any time to walk. */
const MAX_DEPTH = 12;

/** @param definition `machine.definition` of XState 4, as JSON. */
export function describeXState4Machine(definition: unknown): MachineDefinition {
  const root = fields(definition);
  const paths = new Map<string, string>();
  notePaths(root, '', paths, 0);
  return { id: text(root['id']), ...described(root), root: describeState(root, '', paths, 0) };
}

/** The ids of the transitions a state of XState 4 says have led to it; none when it does not say. */
export function takenTransitions(definition: unknown, taken: unknown): readonly string[] {
  const root = fields(definition);
  const paths = new Map<string, string>();
  const nodes = new Map<string, Fields>();
  notePaths(root, '', paths, 0, nodes);
  return list(taken).flatMap((transition) => {
    const { source, eventType } = fields(transition);
    const path = paths.get(text(source).slice(1));
    if (path === undefined) return [];
    const siblings = list(fields(nodes.get(path)?.['on'])[text(eventType)]);
    const index = siblings.findIndex((sibling) => isSame(fields(sibling), fields(transition)));
    return index === -1 ? [] : [idOf(path, text(eventType), index)];
  });
}

/** Targets are named by ids, which may be anything; ours are paths. */
function notePaths(
  state: Fields,
  path: string,
  paths: Map<string, string>,
  depth: number,
  nodes?: Map<string, Fields>,
): void {
  paths.set(text(state['id']), path);
  nodes?.set(path, state);
  if (depth >= MAX_DEPTH) return;
  for (const [key, child] of Object.entries(fields(state['states']))) {
    notePaths(fields(child), below(path, key), paths, depth + 1, nodes);
  }
}

function describeState(
  state: Fields,
  path: string,
  paths: ReadonlyMap<string, string>,
  depth: number,
): StateDefinition {
  const children = depth >= MAX_DEPTH ? [] : Object.entries(fields(state['states']));
  const type = text(state['type']);
  const initial = text(state['initial']);
  return {
    id: path,
    name: text(state['key']),
    type: TYPES.includes(type) ? (type as StateDefinition['type']) : 'atomic',
    ...described(state),
    ...(initial === '' ? {} : { initial: below(path, initial) }),
    entry: list(state['entry']).map(nameOf),
    exit: list(state['exit']).map(nameOf),
    invoke: list(state['invoke']).map((invoked) => {
      const { src, id } = fields(invoked);
      return text(fields(src)['type']) || text(src) || text(id);
    }),
    transitions: Object.entries(fields(state['on'])).flatMap(([event, transitions]) =>
      list(transitions).map((transition, index) =>
        describeTransition(fields(transition), { path, event, index }, paths),
      ),
    ),
    states: children.map(([key, child]) =>
      describeState(fields(child), below(path, key), paths, depth + 1),
    ),
  };
}

function describeTransition(
  transition: Fields,
  { path, event, index }: { readonly path: string; readonly event: string; readonly index: number },
  paths: ReadonlyMap<string, string>,
): TransitionDefinition {
  const label = labelOf(event);
  const { cond } = transition;
  return {
    id: idOf(path, event, index),
    event,
    ...(label === undefined ? {} : { label }),
    targets: list(transition['target']).flatMap((target) => {
      const found = paths.get(text(target).slice(1));
      return found === undefined ? [] : [found];
    }),
    ...(cond === undefined ? {} : { guard: text(fields(cond)['name']) || nameOf(cond) }),
    actions: list(transition['actions']).map(nameOf),
    ...described(transition),
  };
}

function isSame(one: Fields, other: Fields): boolean {
  const told = ({ target, cond, actions }: Fields): string =>
    JSON.stringify([target ?? null, cond ?? null, actions ?? null]);
  return told(one) === told(other);
}

function idOf(path: string, event: string, index: number): string {
  return `${path}/${event}/${String(index)}`;
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** Events that XState 4 makes have types that are not for people. */
function labelOf(event: string): string | undefined {
  const [, delay] = /^xstate\.after\((.+?)\)#/.exec(event) ?? [];
  if (delay !== undefined) return /^\d+$/.test(delay) ? `after ${delay} ms` : `after ${delay}`;
  const [, kind, actor] = /^(done\.invoke|error\.platform)\.(.+)$/.exec(event) ?? [];
  if (actor !== undefined) return `${kind === 'done.invoke' ? 'done' : 'error'} (${actor})`;
  return event.startsWith('done.state.') ? 'done' : undefined;
}

/** An action or a guard without a name has its source text for one. */
function nameOf(implementation: unknown): string {
  const type = text(fields(implementation)['type']) || text(implementation);
  return type === '' || /=>|^(async )?function\b/.test(type) ? '(inline)' : type;
}

function described({ description }: Fields): { readonly description?: string } {
  return typeof description === 'string' ? { description } : {};
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

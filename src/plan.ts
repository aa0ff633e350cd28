/** From the graph of a pipeline to a checked plan: what can never run is refused before it starts. */
import { castDraft, produce } from 'immer';
import type { OperatorProgram } from '../actors/transform.ts';
import { amounts, fromMilli } from '../machines/amounts.ts';
import { PlanError } from '../machines/errors.ts';
import {
  CONSUMER,
  destinations,
  NOWHERE,
  type OperatorPlan,
  type Plan,
  type Route,
} from '../machines/plan.ts';
import { targetBlockBytes, type LedgerBudget } from '../machines/resource/ledger.ts';
import type { FlowNode, OperatorNode } from './graph.ts';
import { retryCount, retryDelay } from './retries.ts';

export interface PlannedPipeline {
  readonly plan: Plan;
  readonly programs: readonly OperatorProgram[];
}

/** Most tasks of one operator, unless it says otherwise: an actor has few children. */
const DEFAULT_CONCURRENCY = 64;
/** How long a task of small blocks should be, in milliseconds: it costs a tenth of that or less. */
const TASK_MS = 2;
/** Likewise in a worker, where a task costs two messages more. */
const REMOTE_TASK_MS = 8;

/**
 * Plans the pipeline that ends in `last`.
 * @throws PlanError when it can never run under the budget; the message names the operator.
 */
export function planPipeline(
  name: string,
  last: FlowNode,
  budget: LedgerBudget,
  random: () => number,
): PlannedPipeline {
  const nodes = sortTopologically(last);
  checkBranches(nodes);
  const operators = nodes.filter((node) => node.kind === 'operator');
  if (operators.every(({ role }) => role === 'source')) {
    throw new PlanError(
      `the pipeline "${name}" has no operator: it only reads; add .map(...), .to(...) or another`,
    );
  }
  const names = nameOperators(operators);
  const targetBytes = targetBlockBytes(budget.blockBytes, operators.length);
  const skeleton: Plan = {
    name,
    operators: operators.map((node, index) =>
      planOperator(node, index, names[index] ?? node.label, targetBytes),
    ),
  };
  const plan = connect(skeleton, nodes, operators);
  checkNeeds(plan, budget);
  return {
    plan,
    programs: operators.map((node, index) => ({
      index,
      name: names[index] ?? node.label,
      transform: node.transform,
      output: node.options.output ?? {},
      targetBytes: plan.operators[index]?.targetBytes ?? targetBytes,
      atomic: node.options.atomic ?? false,
      timeoutMs: node.options.timeout,
      retries: plan.operators[index]?.retries ?? 0,
      givesInputsAway:
        plan.operators[index]?.retries === 0 && (node.options.onError ?? 'fail') === 'fail',
      mayRepeat: mayRepeat(node),
      onRowError: node.options.onRowError ?? 'fail',
      retryDelay: retryDelay(node.options.retries, random),
    })),
  };
}

/**
 * Whether the outputs of an operator may be made again when they are lost: its splits can be read
 * again, or its `retries` say that it may run twice and yields the same then. It takes no token for
 * that, so what needs more than a core and memory, calls at a rate for instance, is not repeated.
 */
function mayRepeat({ transform, options }: OperatorNode): boolean {
  if (transform.kind === 'source') return transform.isRereadable === true;
  if (transform.kind === 'stateful' || options.atomic === true) return false;
  const needs = Object.entries(options.resources ?? {});
  const isOurs = needs.every(([name, need]) => need === 0 || name === 'cpu' || name === 'memory');
  return isOurs && retryCount(options.retries) > 0;
}

/**
 * Refuses a plan whose tasks can never fit the budget.
 * @throws PlanError that names the operator, what it needs and what there is.
 */
export function checkNeeds(plan: Plan, budget: LedgerBudget): void {
  for (const { name, needs } of plan.operators) {
    for (const [resource, need] of Object.entries(needs)) {
      const limit = budget.resources[resource];
      if (limit === undefined) {
        if (need === 0) continue;
        const known = Object.keys(budget.resources).join(', ');
        throw new PlanError(
          `operator "${name}" needs ${String(fromMilli(need))} ${resource}, which the budget does not name; it names: ${known}`,
          name,
        );
      }
      const most = 'amount' in limit ? limit.amount : limit.burst;
      if (need <= most) continue;
      throw new PlanError(
        `operator "${name}" needs ${String(fromMilli(need))} ${resource} for one task, but the budget has ${String(fromMilli(most))}: raise the budget or lower the operator's resources`,
        name,
      );
    }
  }
}

/** Every node comes after those that feed it. */
function sortTopologically(last: FlowNode): readonly FlowNode[] {
  const sorted: FlowNode[] = [];
  const done = new Set<FlowNode>();
  const path = new Set<FlowNode>();
  // A stack of our own: a chain of a thousand operators must not overflow the call stack.
  const stack: { readonly node: FlowNode; next: number }[] = [{ node: last, next: 0 }];
  path.add(last);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const input = top.node.inputs[top.next];
    top.next += 1;
    if (input === undefined) {
      stack.pop();
      path.delete(top.node);
      if (!done.has(top.node)) sorted.push(top.node);
      done.add(top.node);
    } else if (path.has(input)) {
      const cycle = stack.map(({ node }) => labelOf(node)).slice([...path].indexOf(input));
      throw new PlanError(`the pipeline has a cycle: ${[...cycle, labelOf(input)].join(' -> ')}`);
    } else if (!done.has(input)) {
      path.add(input);
      stack.push({ node: input, next: 0 });
    }
  }
  return sorted;
}

/** Each branch of a fan-out must lead somewhere: its blocks would wait for ever. */
function checkBranches(nodes: readonly FlowNode[]): void {
  for (const node of nodes) {
    if (node.kind !== 'tee' && node.kind !== 'split') continue;
    const used = nodes.filter(({ kind, inputs }) => kind === 'branch' && inputs[0] === node).length;
    if (used === node.branches) continue;
    throw new PlanError(
      `${String(node.branches - used)} of the ${String(node.branches)} branches of a ${node.kind} of "${labelOf(node.inputs[0])}" have no sink: end each with .to(...), or join it with .union(...) or .zip(...)`,
    );
  }
}

/** Given names must be unique; those we give ourselves get a number. */
function nameOperators(operators: readonly OperatorNode[]): readonly string[] {
  const taken = new Set<string>();
  for (const { options } of operators) {
    if (options.name === undefined) continue;
    if (taken.has(options.name)) {
      throw new PlanError(
        `two operators are named "${options.name}": names must be unique`,
        options.name,
      );
    }
    taken.add(options.name);
  }
  return operators.map(({ label, options }) => {
    if (options.name !== undefined) return options.name;
    let name = label;
    for (let number = 2; taken.has(name); number++) name = `${label}-${String(number)}`;
    taken.add(name);
    return name;
  });
}

function planOperator(
  node: OperatorNode,
  index: number,
  name: string,
  defaultTarget: number,
): OperatorPlan {
  const { role, options, transform, inputs } = node;
  const serial = transform.kind === 'stateful';
  const onError = options.onError ?? 'fail';
  const givesUp = onError !== 'fail' || (options.onRowError ?? 'fail') !== 'fail';
  const unlimited = givesUp ? Number.MAX_SAFE_INTEGER : 0;
  // What the engine does itself, reading, re-blocking and joining, takes no core.
  const needs =
    options.resources ?? (role === 'source' || (serial && role !== 'sink') ? {} : { cpu: 1 });
  const oneByOne = serial || role === 'source' ? 1 : DEFAULT_CONCURRENCY;
  return {
    index,
    name,
    kind: role,
    ports: Math.max(1, inputs.length),
    route: NOWHERE,
    destinations: [],
    depth: 0,
    needs: amounts(needs),
    slots: serial ? 1 : (options.maxConcurrency ?? oneByOne),
    serial,
    input: options.input,
    taskMs: transform.kind === 'remote' ? REMOTE_TASK_MS : TASK_MS,
    targetBytes: options.output?.bytes ?? defaultTarget,
    queueBlocks: options.queue?.blocks,
    restarts: options.restarts && {
      count: options.restarts.count,
      withinMs: options.restarts.within,
    },
    retries: serial ? 0 : retryCount(options.retries),
    onError,
    maxErrors: options.maxErrors ?? unlimited,
    preserveOrder: options.preserveOrder ?? false,
  };
}

/** Draws the routes between the operators; unions and branches dissolve in them. */
function connect(
  skeleton: Plan,
  nodes: readonly FlowNode[],
  operators: readonly OperatorNode[],
): Plan {
  const last = nodes.at(-1);
  const indexes = new Map<FlowNode, number>(operators.map((node, index) => [node, index]));
  const routes = new Map<FlowNode, Route>();
  const consumers = new Map<FlowNode, Route[]>();
  for (const node of [...nodes].reverse()) {
    const behind = consumers.get(node) ?? [];
    if (node === last && !isSink(node)) behind.push({ kind: 'to', operator: CONSUMER, port: 0 });
    const route = join(node.kind === 'split' ? 'one' : 'all', behind);
    routes.set(node, route);
    node.inputs.forEach((input, port) => {
      const index = indexes.get(node);
      const into: Route = index === undefined ? route : { kind: 'to', operator: index, port };
      consumers.set(input, [into, ...(consumers.get(input) ?? [])]);
    });
  }
  return produce(skeleton, (draft) => {
    for (const [node, index] of [...indexes].reverse()) {
      const operator = draft.operators[index];
      const route = routes.get(node) ?? NOWHERE;
      if (operator === undefined) continue;
      const ends = destinations(route);
      const depths = ends.map((end) => draft.operators[end.operator]?.depth ?? -1);
      operator.route = castDraft(route);
      operator.destinations = castDraft([...ends]);
      operator.depth = Math.max(-1, ...depths) + 1;
    }
  });
}

/** A sink yields nothing; neither does a union of nothing but sinks. */
export function isSink(node: FlowNode): boolean {
  if (node.kind === 'operator') return node.role === 'sink';
  return node.kind === 'union' && node.inputs.every(isSink);
}

function join(kind: 'all' | 'one', routes: readonly Route[]): Route {
  const [only, ...others] = routes;
  return only !== undefined && others.length === 0 ? only : { kind, routes };
}

function labelOf(node: FlowNode): string {
  if (node.kind === 'operator') return node.options.name ?? node.label;
  return node.kind;
}

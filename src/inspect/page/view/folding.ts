/**
 * Which boxes the graph has. Operators named `clean/trim`, `clean/parse` belong to the group `clean`, and may be
 * folded into one box, so that a large pipeline is seen by its parts.
 */
import type { PlanInfo } from '../../../../machines/run-event.ts';
import {
  CONSUMER,
  lookOf,
  sharesAt,
  type EdgeView,
  type OperatorModel,
  type RunModel,
} from '../../../run-model/index.ts';

export interface GraphNode {
  /** Of the operator, or of the group. */
  readonly name: string;
  readonly kind: string;
  /** Indices of its operators: one, or those of the group. */
  readonly members: readonly number[];
  readonly isGroup: boolean;
}

export interface GraphLink {
  /** Index of a box. */
  readonly from: number;
  /** Index of a box, or `CONSUMER`. */
  readonly to: number;
  /** Which of the edges of the plan, in the order in which the model lists them. */
  readonly edges: readonly number[];
}

export interface GraphShape {
  readonly nodes: readonly GraphNode[];
  readonly links: readonly GraphLink[];
}

function groupOf(name: string): string | undefined {
  const end = name.indexOf('/');
  return end > 0 ? name.slice(0, end) : undefined;
}

/** Names of the groups of more than one operator, in the order of the plan. */
export function groupsOf({ operators }: PlanInfo): readonly string[] {
  const sizes = new Map<string, number>();
  for (const { name } of operators) {
    const group = groupOf(name);
    if (group !== undefined) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  return [...sizes].flatMap(([group, size]) => (size > 1 ? [group] : []));
}

/** The boxes and the lines between them when these groups are folded. Lines within a box are left out. */
export function shapeOf({ operators }: PlanInfo, folded: ReadonlySet<string>): GraphShape {
  const nodes: (GraphNode & { members: number[] })[] = [];
  const groups = new Map<string, number>();
  /** Index of the box, by index of the operator. */
  const boxOf = operators.map(({ index, name, kind }) => {
    const group = groupOf(name);
    const isGroup = group !== undefined && folded.has(group);
    const known = isGroup ? groups.get(group) : undefined;
    if (known !== undefined) {
      nodes[known]?.members.push(index);
      return known;
    }
    const node = isGroup ? { name: group, kind: 'group' } : { name, kind };
    const box = nodes.push({ ...node, isGroup, members: [index] }) - 1;
    if (isGroup) groups.set(group, box);
    return box;
  });
  const links = new Map<string, GraphLink & { edges: number[] }>();
  let edge = -1;
  for (const { index, edges } of operators) {
    for (const { to: receiver, port } of edges) {
      edge += 1;
      const from = boxOf[index] ?? 0;
      const to = boxOf[receiver] ?? CONSUMER;
      if (from === to) continue;
      const isFolded = nodes[from]?.isGroup === true || nodes[to]?.isGroup === true;
      // Two operators may have several lines between them, one for each input; folded ones have one.
      const key = `${String(from)} ${String(to)} ${isFolded ? '' : `${String(port)} ${String(edge)}`}`;
      const link = links.get(key);
      if (link === undefined) links.set(key, { from, to, edges: [edge] });
      else link.edges.push(edge);
    }
  }
  return { nodes, links: [...links.values()] };
}

/** What is on a line: all that waits on its edges, and how full the fullest is. */
export function linkView(link: GraphLink, edges: readonly EdgeView[]): EdgeView | undefined {
  const [first, ...rest] = link.edges.flatMap((index) => edges[index] ?? []);
  return rest.reduce(
    (sum, { blocks, bytes, limit, fill, oldestMs }) =>
      sum && {
        ...sum,
        blocks: sum.blocks + blocks,
        bytes: sum.bytes + bytes,
        limit: sum.limit + limit,
        fill: Math.max(sum.fill, fill),
        oldestMs: Math.max(sum.oldestMs ?? 0, oldestMs ?? 0) || undefined,
      },
    first,
  );
}

/** What a box stands for: its operator, or the operators of its group as if they were one. */
export function operatorOf(
  model: RunModel,
  { name, members, isGroup }: GraphNode,
): OperatorModel | undefined {
  const operators = members.flatMap((index) => model.operators[index] ?? []);
  const last = operators.at(-1);
  return isGroup && last !== undefined ? merged(model, name, operators, last) : last;
}

function merged(
  model: RunModel,
  name: string,
  operators: readonly OperatorModel[],
  last: OperatorModel,
): OperatorModel {
  const failed = operators.find((operator) => lookOf(model, operator) === 'failed');
  const held = operators.find(({ denial }) => denial !== undefined);
  // Somebody who could go on and may not says more than those that wait for input.
  const chief = failed ?? held ?? operators.find(({ doing }) => doing !== 'over') ?? last;
  const sum = (pick: (figures: OperatorModel['figures']) => number): number =>
    operators.reduce((total, { figures }) => total + pick(figures), 0);
  const spent: Record<string, number> = {};
  for (const operator of operators) {
    for (const [doing, percent] of Object.entries(sharesAt(operator, model.at))) {
      spent[doing] = (spent[doing] ?? 0) + percent;
    }
  }
  return {
    ...chief,
    // Rows that leave the group are those of its last operator.
    index: last.index,
    name,
    spent,
    doingSince: model.at,
    durations: [],
    troubled: operators.find(({ troubled }) => troubled !== undefined)?.troubled,
    figures: {
      ...last.figures,
      in: [sum((figures) => figures.in.reduce((total, blocks) => total + blocks, 0))],
      active: sum(({ active }) => active),
      holding: sum(({ holding }) => holding),
      maxConcurrency: sum(({ maxConcurrency }) => maxConcurrency),
      done: sum(({ done }) => done),
      failed: sum(({ failed: number }) => number),
      retried: sum(({ retried }) => retried),
      dropped: sum(({ dropped }) => dropped),
    },
  };
}

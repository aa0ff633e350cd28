/**
 * Draws the four charts as Mermaid state diagrams, with what each state and event means, from the
 * machines themselves: `npm run docs` writes it to docs/reference/charts.md.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import {
  operatorMachine,
  resourceMachine,
  supervisorMachine,
  taskMachine,
} from '../machines/index.ts';

const CHARTS: readonly AnyStateMachine[] = [
  supervisorMachine,
  operatorMachine,
  taskMachine,
  resourceMachine,
];

/** The page: one section a chart. */
export function drawCharts(): string {
  const intro =
    'Drawn from the machines of `sluice/machines` by `npm run docs`. Guards are in brackets; a transition without an event is taken as soon as its guard holds.';
  return ['# The charts', intro, ...CHARTS.map(({ root }) => drawChart(root))].join('\n\n') + '\n';
}

function drawChart(root: AnyStateNode): string {
  const diagram = ['stateDiagram-v2', ...drawStates(root, '  '), ...drawTransitions(root)];
  return [
    `## ${root.key}`,
    root.description ?? '',
    ['```mermaid', ...diagram, '```'].join('\n'),
    table('State', statesBelow(root)),
    table('Message taken in any state', eventsOf(root)),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function drawStates(parent: AnyStateNode, indent: string): string[] {
  const lines = Object.values(parent.states).flatMap((state) => {
    const inner = drawStates(state, `${indent}  `);
    if (inner.length > 0) return [`${indent}state ${state.key} {`, ...inner, `${indent}}`];
    return state.type === 'final' ? [`${indent}${state.key} --> [*]`] : [`${indent}${state.key}`];
  });
  const [initial] = parent.initial.target;
  return initial === undefined ? lines : [`${indent}[*] --> ${initial.key}`, ...lines];
}

/** Arrows between states; what a chart does without leaving its state is left out. */
function drawTransitions(root: AnyStateNode): string[] {
  const arrows = statesOf(root).flatMap((state) =>
    [...state.transitions.values(), state.always ?? []].flat().flatMap((transition) => {
      const [target] = transition.target ?? [];
      if (target === undefined) return [];
      const guard = guardName(transition.guard);
      const label = [transition.eventType, guard === undefined ? '' : `[${guard}]`];
      const text = label.filter((part) => part !== '').join(' ');
      return [`  ${state.key} --> ${target.key}${text === '' ? '' : ` : ${text}`}`];
    }),
  );
  return [...new Set(arrows)];
}

function statesOf(parent: AnyStateNode): AnyStateNode[] {
  return Object.values(parent.states).flatMap((state) => [state, ...statesOf(state)]);
}

function statesBelow(root: AnyStateNode): [string, string][] {
  return statesOf(root).map((state) => [state.path.join('.'), state.description ?? '']);
}

function eventsOf(root: AnyStateNode): [string, string][] {
  return [...root.transitions].map(([event, transitions]) => {
    return [event, transitions.map(({ description }) => description ?? '').join(' ')];
  });
}

function guardName(guard: unknown): string | undefined {
  return typeof guard === 'string' ? guard : undefined;
}

function table(title: string, rows: readonly [string, string][]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return [`| ${title} | Meaning |`, '| --- | --- |', ...lines].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(fileURLToPath(new URL('reference/charts.md', import.meta.url)), drawCharts());
}

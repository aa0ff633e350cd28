/** A plan as a Mermaid flowchart. */
import { CONSUMER, type OperatorPlan, type Plan, type Route } from '../../machines/plan.ts';
import { plain } from '../node/terminal-text.ts';
import { traits } from './plan-text.ts';

/** Shapes: sources are rounded, sinks are stored data, transforms are boxes. */
const SHAPES: Readonly<Record<OperatorPlan['kind'], readonly [string, string]>> = {
  source: ['([', '])'],
  transform: ['[', ']'],
  sink: ['[(', ')]'],
};

export function planMermaid(plan: Plan): string {
  const nodes = plan.operators.map((operator) => {
    const [open, close] = SHAPES[operator.kind];
    const label = [operator.name, traits(operator).join(', ')].filter((line) => line !== '');
    return `  ${idOf(operator.index)}${open}"${label.map(escape).join('<br/>')}"${close}`;
  });
  // Nothing leaves a sink, even where a union would lead it on.
  const senders = plan.operators.filter(({ kind }) => kind !== 'sink');
  const edges = senders.flatMap((operator) => edgesOf(plan, operator));
  const isConsumed = senders.some(({ destinations }) =>
    destinations.some(({ operator }) => operator === CONSUMER),
  );
  const consumer = isConsumed ? [`  ${idOf(CONSUMER)}(("consumer"))`] : [];
  return ['flowchart LR', ...nodes, ...consumer, ...edges].join('\n');
}

function edgesOf(plan: Plan, { index, route }: OperatorPlan): readonly string[] {
  return endsOf(route, false).map(({ operator, port, isShared }) => {
    const { ports = 1 } = plan.operators[operator] ?? {};
    const label = ports === 1 ? '' : `|"input ${String(port + 1)}"|`;
    return `  ${idOf(index)} ${isShared ? '-.->' : '-->'}${label} ${idOf(operator)}`;
  });
}

/** The ends of a route. Shared ones, whose blocks go to one of several, get a dotted line. */
function endsOf(
  route: Route,
  isShared: boolean,
): readonly { readonly operator: number; readonly port: number; readonly isShared: boolean }[] {
  if (route.kind === 'to') return [{ operator: route.operator, port: route.port, isShared }];
  return route.routes.flatMap((part) => endsOf(part, isShared || route.kind === 'one'));
}

function idOf(operator: number): string {
  return operator === CONSUMER ? 'consumer' : `operator${String(operator)}`;
}

/** Mermaid labels know entities by number; `#` begins one. */
function escape(text: string): string {
  return plain(text).replace(/[#"<>&`]/g, (letter) => `#${String(letter.codePointAt(0))};`);
}

/** A plan as text to read: what each operator is, needs and may do, and where its blocks go. */
import { fromMilli } from '../../machines/amounts.ts';
import { CONSUMER, type OperatorPlan, type Plan, type Route } from '../../machines/plan.ts';
import { layOut, paint, plain, type Column } from '../node/terminal-text.ts';

const COLUMNS: readonly Column[] = [
  { align: 'left' },
  { align: 'left' },
  { align: 'left' },
  { align: 'left' },
];

export function planText(plan: Plan): string {
  const rows = plan.operators.map((operator) => [
    { text: plain(operator.name) },
    { text: operator.kind },
    { text: traits(operator).join(', ') },
    // Nothing leaves a sink, even where a union would lead it on.
    { text: operator.kind === 'sink' ? '' : routeText(plan, operator.route) },
  ]);
  const titles = ['operator', 'kind', 'tasks', 'blocks go to'].map((text) => ({ text }));
  const table = layOut(COLUMNS, [titles, ...rows]).map((line) => paint(line, Infinity, false));
  return [plain(plan.name), '', ...table].join('\n');
}

/** What a task needs, how many there may be, and what else is special about them. */
export function traits(operator: OperatorPlan): readonly string[] {
  const { needs, slots, kind, serial, retries, onError, preserveOrder } = operator;
  const amounts = Object.entries(needs).filter(([, need]) => need > 0);
  return [
    ...amounts.map(([name, need]) => `${plain(name)} ${String(fromMilli(need))}`),
    ...(serial || kind === 'source' ? [] : [`up to ${String(slots)} at once`]),
    ...(retries === 0 ? [] : [`retries ${String(retries)}`]),
    ...(onError === 'fail' ? [] : [`on error ${onError}`]),
    ...(preserveOrder ? ['keeps order'] : []),
  ];
}

/** Name of the receiver of a route's blocks, and its port if it has several. */
function routeText(plan: Plan, route: Route): string {
  if (route.kind !== 'to') {
    const parts = route.routes.map((part) => {
      const text = routeText(plan, part);
      return part.kind === 'to' ? text : `(${text})`;
    });
    return parts.join(route.kind === 'all' ? ' and ' : ' or ');
  }
  if (route.operator === CONSUMER) return 'the consumer';
  const { name = '', ports = 1 } = plan.operators[route.operator] ?? {};
  return ports === 1 ? plain(name) : `${plain(name)} (input ${String(route.port + 1)})`;
}

/** Plans for tests: an operator with the plainest options, and chains of such operators. */
import {
  CONSUMER,
  destinations,
  type OperatorPlan,
  type Plan,
  type Route,
} from '../../../machines/plan.ts';

export function to(operator: number, port = 0): Route {
  return { kind: 'to', operator, port };
}

export function operatorPlan(parts: Partial<OperatorPlan> = {}): OperatorPlan {
  const route = parts.route ?? to(CONSUMER);
  return {
    index: 0,
    name: 'work',
    kind: 'transform',
    ports: 1,
    route,
    destinations: destinations(route),
    depth: 0,
    needs: { cpu: 1000 },
    slots: 4,
    serial: false,
    input: undefined,
    taskMs: 2,
    targetBytes: 100,
    queueBlocks: undefined,
    retries: 0,
    restarts: undefined,
    onError: 'fail',
    maxErrors: Number.MAX_SAFE_INTEGER,
    preserveOrder: false,
    ...parts,
  };
}

/** A source and what follows it, one behind the other, up to the consumer. */
export function chain(...operators: readonly Partial<OperatorPlan>[]): Plan {
  const last = operators.length - 1;
  return {
    name: 'chain',
    operators: operators.map((parts, index) =>
      operatorPlan({
        index,
        name: index === 0 ? 'source' : `work${String(index)}`,
        kind: index === 0 ? 'source' : 'transform',
        needs: index === 0 ? {} : { cpu: 1000 },
        route: to(index === last ? CONSUMER : index + 1),
        depth: last - index,
        ...parts,
      }),
    ),
  };
}

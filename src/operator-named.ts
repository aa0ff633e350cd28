/** An operator of a plan by its name, as users say it. */
import { OptionError } from '../machines/errors.ts';
import type { OperatorPlan, Plan } from '../machines/plan.ts';

/** @throws OptionError when there is none of that name. */
export function operatorNamed(plan: Plan, name: string): OperatorPlan {
  return plan.operators.find((operator) => operator.name === name) ?? noSuchOperator(plan, name);
}

export function noSuchOperator(plan: Plan, name: string): never {
  const known = plan.operators.map((operator) => operator.name).join(', ');
  throw new OptionError('operator', `there is no operator "${name}"; there are: ${known}`);
}

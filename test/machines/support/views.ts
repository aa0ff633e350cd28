/** Operator views for tests: an operator to which nothing has happened, unless it is said. */
import type { OperatorView } from '../../../machines/operator/operator.protocol.ts';
import { freshView } from '../../../machines/supervisor/supervisor.context.ts';
import { operatorPlan } from './plans.ts';

export function viewOf(index: number, parts: Partial<OperatorView> = {}): OperatorView {
  return { ...freshView(operatorPlan({ index, name: `work${String(index)}` })), ...parts };
}

/** The plan and the budget as run events tell them: in the user's units, and without what is internal. */
import { fromMilli } from './amounts.ts';
import type { OperatorPlan, Plan, Route } from './plan.ts';
import type { LedgerBudget } from './resource/ledger.ts';
import type { BudgetInfo, EdgeInfo, LimitInfo, OperatorInfo, PlanInfo } from './run-event.ts';

export function planInfo({ name, operators }: Plan): PlanInfo {
  return { name, operators: operators.map(operatorInfo) };
}

function operatorInfo(plan: OperatorPlan): OperatorInfo {
  const { index, name, kind, ports, depth, serial, preserveOrder, retries, onError } = plan;
  return {
    index,
    name,
    kind,
    ports,
    depth,
    edges: kind === 'sink' ? [] : edgesOf(plan.route, false),
    needs: Object.fromEntries(
      Object.entries(plan.needs).map(([resource, amount]) => [resource, fromMilli(amount)]),
    ),
    maxConcurrency: plan.slots,
    serial,
    preserveOrder,
    retries,
    onError,
    ...(plan.queueBlocks === undefined ? {} : { queueBlocks: plan.queueBlocks }),
    targetBytes: plan.targetBytes,
  };
}

function edgesOf(route: Route, shared: boolean): readonly EdgeInfo[] {
  if (route.kind === 'to') return [{ to: route.operator, port: route.port, shared }];
  return route.routes.flatMap((part) => edgesOf(part, shared || route.kind === 'one'));
}

export function budgetInfo({ resources, blockBytes }: LedgerBudget): BudgetInfo {
  const limits = Object.entries(resources).map(([name, limit]): [string, LimitInfo] => [
    name,
    'amount' in limit
      ? { amount: fromMilli(limit.amount) }
      : { perSecond: fromMilli(limit.perSecond), burst: fromMilli(limit.burst) },
  ]);
  return { resources: Object.fromEntries(limits), blockBytes };
}

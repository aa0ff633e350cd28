/** A plan as an SVG: as a run of it looks before anything has happened. */
import type { LedgerBudget } from '../../machines/resource/ledger.ts';
import { budgetInfo, planInfo } from '../../machines/plan-info.ts';
import type { Plan } from '../../machines/plan.ts';
import { graphSvg, modelOf } from '../inspect/export/index.ts';

export function planSvg(plan: Plan, budget: LedgerBudget): string {
  const started = {
    type: 'run.started',
    plan: planInfo(plan),
    budget: budgetInfo(budget),
  } as const;
  return graphSvg(modelOf([{ ...started, seq: 0, at: 0 }]));
}

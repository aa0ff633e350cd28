/** What run events tell of the charts' contexts: read from snapshots when they have changed. */
import { fromMilli } from '../machines/amounts.ts';
import type { Denial } from '../machines/denial.ts';
import {
  activeTasks,
  holdingTasks,
  type OperatorContext,
} from '../machines/operator/operator.context.ts';
import { bundleSize } from '../machines/operator/operator.sizing.ts';
import type { ResourceContext } from '../machines/resource/resource.machine.ts';
import type { DenialInfo, OperatorFigures, RunEventBody } from '../machines/run-event.ts';
import type { SupervisorContext } from '../machines/supervisor/supervisor.context.ts';
import { budgetInfo } from '../machines/plan-info.ts';

type Emit = (event: RunEventBody) => void;

/** Tells what has changed in an operator's context since `before`. */
export function tellOperator(
  before: OperatorContext | undefined,
  context: OperatorContext,
  startedAt: number,
  emit: Emit,
): void {
  const operator = context.plan.name;
  if (before === undefined || figuresChanged(before, context)) {
    emit({ type: 'operator.changed', operator, figures: figuresOf(context) });
  }
  const { denial, shares } = context;
  if (denial !== before?.denial) {
    emit(
      denial === undefined
        ? { type: 'operator.freed', operator }
        : { type: 'operator.denied', operator, denial: denialInfo(denial, startedAt) },
    );
  }
  if (before === undefined) {
    const { doing, since, spent } = shares;
    emit({ type: 'operator.doing', operator, doing, since: since - startedAt, spent });
  } else if (shares.doing !== before.shares.doing) {
    emit({ type: 'operator.doing', operator, doing: shares.doing });
  }
}

function figuresChanged(before: OperatorContext, context: OperatorContext): boolean {
  return (
    before.inputs !== context.inputs ||
    before.outputs !== context.outputs ||
    before.slots !== context.slots ||
    before.counts !== context.counts ||
    before.order !== context.order ||
    before.plan !== context.plan
  );
}

function figuresOf(context: OperatorContext): OperatorFigures {
  const { plan, inputs, outputs, order, counts, sizing } = context;
  const { tasks, ...others } = counts;
  return {
    in: inputs.map(({ blocks }) => blocks),
    inBytes: inputs.map(({ bytes }) => bytes),
    out: outputs.blocks,
    outBytes: outputs.bytes,
    parked: order.reduce((sum, { refs }) => sum + refs.length, 0),
    active: activeTasks(context),
    holding: holdingTasks(context),
    done: tasks,
    ...others,
    maxConcurrency: plan.slots,
    bundle: bundleSize(plan, sizing),
    ...(sizing.measured === 0 ? {} : { blockMs: sizing.blockMs }),
  };
}

function denialInfo({ limit, asked, free, since }: Denial, startedAt: number): DenialInfo {
  return { limit, asked, free, since: since - startedAt };
}

/** Tells what of the ledger has changed. */
export function tellResource(
  before: ResourceContext | undefined,
  { ledger }: ResourceContext,
  emit: Emit,
): void {
  if (ledger === before?.ledger) return;
  const used = Object.entries(ledger.resources).map(([name, line]): [string, number] => [
    name,
    fromMilli(line.kind === 'amount' ? line.used : Math.max(0, line.burst - line.level)),
  ]);
  emit({
    type: 'resources.changed',
    used: Object.fromEntries(used),
    accounts: ledger.accounts.map(({ reserved, live, tokens }) => ({ reserved, live, tokens })),
  });
}

/** Tells what has changed in the supervisor's context. */
export function tellSupervisor(
  before: SupervisorContext | undefined,
  context: SupervisorContext,
  emit: Emit,
): void {
  const { cycles, budget, consumer, demand } = context;
  if (cycles !== (before?.cycles ?? 0)) emit({ type: 'cycle', cycle: cycles });
  if (before !== undefined && budget !== before.budget) {
    emit({ type: 'budget.changed', budget: budgetInfo(budget) });
  }
  const { held, waits } = consumer;
  const known = before?.consumer;
  if (held !== known?.held || waits !== known.waits || demand !== before?.demand) {
    // Whoever lets go of all blocks as they come asks for no end of them.
    const asked = Number.isFinite(demand) ? demand : Number.MAX_SAFE_INTEGER;
    emit({ type: 'consumer.changed', held, demand: asked, waits });
  }
}

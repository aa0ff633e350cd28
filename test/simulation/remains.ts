/** What a run that is over must not leave behind. The letters are those of docs/reliability.md. */
import type { AnyActorRef } from 'xstate';
import { storeUsage } from '../../actors/world.ts';
import type { ResourceContext } from '../../machines/resource/resource.machine.ts';
import type { SupervisorContext } from '../../machines/supervisor/supervisor.context.ts';
import type { Run } from '../../src/index.ts';

/**
 * Everything that is left: blocks, tokens, credit, work, actors, and `pending` timers and macrotasks.
 * Empty when all is well. What was delivered must have been let go of.
 */
export function remainsOf<T>(run: Run<T>, pending: number): readonly string[] {
  const { resources, operators } = run.snapshot();
  const { context } = run.actor.getSnapshot() as unknown as { context: SupervisorContext };
  const { staff, plan } = context;
  const remains: string[] = [];
  if (pending > 0) remains.push(`L7: ${String(pending)} timers are left`);
  const { blocks } = storeUsage(staff.store);
  if (blocks > 0) remains.push(`S13: ${String(blocks)} blocks are left in the store`);
  const { ledger } = (staff.resource.getSnapshot() as unknown as { context: ResourceContext })
    .context;
  for (const [name, { used }] of Object.entries(resources)) {
    if (ledger.resources[name]?.kind === 'amount' && used !== 0) {
      remains.push(`S2: ${String(used)} ${name} is still out`);
    }
  }
  if (ledger.tokens.size > 0) remains.push(`S2: ${String(ledger.tokens.size)} tokens are out`);
  // Bytes that were delivered may still be booked: they were the consumer's when the run ended.
  for (const { reserved } of ledger.accounts) {
    if (reserved !== 0) remains.push(`S2: ${String(reserved)} bytes of credit are still out`);
  }
  for (const [name, { state, in: waiting, active, out }] of Object.entries(operators)) {
    if (!['completed', 'failed', 'cancelled'].includes(state)) {
      remains.push(`S11: ${name} is ${state}`);
    }
    if (waiting + active + out > 0) remains.push(`S5: ${name} has something left`);
  }
  const names = plan.operators.map(({ name }) => name);
  const actors: AnyActorRef[] = [run.actor as AnyActorRef];
  actors.push(...staff.operators, staff.resource, staff.store, staff.runner);
  actors.forEach((actor, index) => {
    if ((actor.getSnapshot() as { status: string }).status !== 'active') return;
    remains.push(`S14: ${names[index - 1] ?? actor.id} is still active`);
  });
  return remains;
}

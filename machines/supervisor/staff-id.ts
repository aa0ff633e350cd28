/**
 * Ids of the supervisor's children. An operator's is its name, which may be any; those of the others give
 * way to it, because XState overwrites a living child whose id is given twice.
 */
import type { Plan } from '../plan.ts';
import type { Staff } from './supervisor.protocol.ts';

export type StaffMember = Exclude<keyof Staff, 'operators'>;

/** The id of an actor that every run has: what it is, with stars if an operator is called so. */
export function staffId(member: StaffMember, { operators }: Plan): string {
  let id: string = member;
  while (operators.some(({ name }) => name === id)) id = `${id}*`;
  return id;
}

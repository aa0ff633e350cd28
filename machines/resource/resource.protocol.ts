/** What the resource actor is asked and what it answers. It knows holders by number, not pipelines. */
import type { Address } from '../xstate.ts';
import type { Decision, LedgerBudget, Request, Settlement } from './ledger.ts';

export type ResourceEvent =
  /** Tokens that came back, bytes that were produced, returned or released since the last time. */
  | { readonly type: 'resource.settle'; readonly settlements: readonly Settlement[] }
  /** All that a cycle asks for, best first. Answered by one `resource.decision`. */
  | {
      readonly type: 'resource.request';
      readonly requests: readonly Request[];
      readonly now: number;
    }
  /** Another budget from now on. What is out stays out. */
  | { readonly type: 'resource.setBudget'; readonly budget: LedgerBudget; readonly now: number };

export type ResourceReply = { readonly type: 'resource.decision' } & Decision;

export type ResourceAddress = Address<ResourceEvent>;

export interface ResourceInput {
  readonly budget: LedgerBudget;
  readonly holders: number;
  readonly now: number;
  /** Who gets the decisions. */
  readonly client: Address<ResourceReply>;
}

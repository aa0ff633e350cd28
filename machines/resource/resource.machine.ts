/**
 * The resource chart: grants or denies the right to run a task and to produce blocks, and owns the
 * ledger. `open` while every request can be met, `saturated` while some holder is being refused.
 */
import { setup } from 'xstate';
import { react, tell, type Step } from '../xstate.ts';
import { changeBudget, decide, openLedger, settle, type Ledger } from './ledger.ts';
import type { ResourceEvent, ResourceInput } from './resource.protocol.ts';

export interface ResourceContext {
  readonly ledger: Ledger;
  readonly client: ResourceInput['client'];
  /** How many holders the last decision refused. */
  readonly refused: number;
}

export const resourceMachine = setup({
  types: {
    context: {} as ResourceContext,
    events: {} as ResourceEvent,
    input: {} as ResourceInput,
  },
  actions: {
    settleAccounts: react(settleAccounts),
    decideRequests: react(decideRequests),
    setBudget: react(setBudget),
  },
  guards: {
    somebodyRefused: ({ context }) => context.refused > 0,
    nobodyRefused: ({ context }) => context.refused === 0,
  },
}).createMachine({
  id: 'resource',
  description: 'Grants or denies tokens and output credit; owns the ledger.',
  context: ({ input }) => ({
    ledger: openLedger(input.budget, input.holders, input.now),
    client: input.client,
    refused: 0,
  }),
  on: {
    'resource.settle': { actions: 'settleAccounts', description: 'Tokens and bytes come back.' },
    'resource.request': { actions: 'decideRequests', description: 'A cycle asks for tokens.' },
    'resource.setBudget': { actions: 'setBudget', description: 'The budget changes.' },
  },
  initial: 'open',
  states: {
    open: {
      description: 'Every request of the last decision was met.',
      always: { guard: 'somebodyRefused', target: 'saturated' },
    },
    saturated: {
      description: 'At least one holder was refused.',
      always: { guard: 'nobodyRefused', target: 'open' },
    },
  },
});

type EventOf<TType extends ResourceEvent['type']> = Extract<ResourceEvent, { type: TType }>;

function settleAccounts(
  context: ResourceContext,
  event: EventOf<'resource.settle'>,
): Step<ResourceContext> {
  return { context: { ledger: settle(context.ledger, event.settlements) } };
}

function decideRequests(
  context: ResourceContext,
  event: EventOf<'resource.request'>,
): Step<ResourceContext> {
  const [ledger, decision] = decide(context.ledger, event.requests, event.now);
  return {
    context: { ledger, refused: decision.refusals.length },
    send: [tell(context.client, { type: 'resource.decision', ...decision })],
  };
}

function setBudget(
  context: ResourceContext,
  event: EventOf<'resource.setBudget'>,
): Step<ResourceContext> {
  return { context: { ledger: changeBudget(context.ledger, event.budget, event.now) } };
}

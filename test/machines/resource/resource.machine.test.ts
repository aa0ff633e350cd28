import { expect, test } from 'vitest';
import { createActor } from 'xstate';
import type { Request, Settlement } from '../../../machines/resource/ledger.ts';
import { resourceMachine } from '../../../machines/resource/resource.machine.ts';
import type { ResourceReply } from '../../../machines/resource/resource.protocol.ts';
import { recorder } from '../support/recorder.ts';

const budget = { resources: { cpu: { amount: 1000 } }, blockBytes: 1000 };

function setUp() {
  const client = recorder<ResourceReply>();
  const actor = createActor(resourceMachine, {
    input: { budget, holders: 2, now: 0, client: client.address },
  });
  actor.start();
  return {
    client,
    actor,
    state: () => actor.getSnapshot().value,
    ask: (...holders: readonly number[]): ResourceReply | undefined => {
      actor.send({ type: 'resource.request', requests: holders.map(requestOf), now: 5 });
      return client.take().at(-1);
    },
    settle: (parts: Partial<Settlement>): void => {
      const nothing = { holder: 0, tokens: [], produced: 0, returned: 0, released: 0 };
      const settlements = [{ ...nothing, closed: false, ...parts }];
      actor.send({ type: 'resource.settle', settlements });
    },
  };
}

function requestOf(holder: number): Request {
  return { holder, needs: { cpu: 1000 }, firstBytes: 10, blockBytes: 10, blocks: 1 };
}

test('a request is answered by one decision about all that was asked', () => {
  const { ask, actor, client } = setUp();
  expect(ask(0, 1)).toEqual({
    type: 'resource.decision',
    grants: [
      { holder: 0, token: 0, slot: undefined, credit: { blocks: 1, bytes: 10 }, forced: false },
    ],
    refusals: [
      { holder: 1, slot: undefined, denial: { limit: 'cpu', asked: 1, free: 0, since: 5 } },
    ],
    refillAt: undefined,
    liveBytes: 0,
  });
  actor.send({ type: 'resource.request', requests: [], now: 6 });
  expect(client.take()).toMatchObject([{ grants: [], refusals: [] }]);
});

test('it is open until somebody is refused, and saturated until nobody is', () => {
  const { ask, settle, state } = setUp();
  expect(state()).toBe('open');
  ask(0);
  expect(state()).toBe('open');
  ask(1);
  expect(state()).toBe('saturated');
  settle({ tokens: [0] });
  expect(state()).toBe('saturated');
  ask(1);
  expect(state()).toBe('open');
});

test('what is settled is free for the next request', () => {
  const { ask, settle, actor, client } = setUp();
  ask(0);
  settle({ tokens: [0], produced: 10 });
  settle({ released: 10, closed: true });
  expect(client.take()).toEqual([]);
  expect(actor.getSnapshot().context.ledger.accounts[0]).toEqual({
    reserved: 0,
    live: 0,
    tokens: 0,
    open: false,
  });
  expect(ask(1)?.grants).toHaveLength(1);
});

test('a new budget counts from the next request on', () => {
  const { ask, actor } = setUp();
  ask(0);
  const larger = { resources: { cpu: { amount: 2000 } }, blockBytes: 1000 };
  actor.send({ type: 'resource.setBudget', budget: larger, now: 6 });
  expect(ask(1)?.grants).toHaveLength(1);
});

/** How runs leave for a worker: what goes in one message, and what becomes of those that cannot go. */
import { describe, expect, test } from 'vitest';
import { rowBlock, type Block } from '../../actors/block.ts';
import { createRunSender, type Outgoing } from '../../actors/workers/run-sender.ts';
import type { ToWorker } from '../../actors/workers/protocol.ts';
import { StoreError } from '../../machines/errors.ts';
import { remoteRun } from './support/remote-runs.ts';

type Loaded = Block<unknown> | Promise<Block<unknown>>;

/** All that was to happen in this turn has happened. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const outgoing = (id: number, load: () => Loaded): Outgoing => ({
  id,
  place: 0,
  run: remoteRun(id, load),
});

const here = (id: number): Outgoing => outgoing(id, () => rowBlock([`row ${String(id)}`]));
const unsendable = (id: number): Outgoing => outgoing(id, () => rowBlock([() => id]));

/** A run whose input is not in memory, until the test brings it back. */
function away(id: number) {
  const { promise, resolve, reject } = deferred<Block<unknown>>();
  return {
    run: outgoing(id, () => promise),
    bringBack: () => {
      resolve(rowBlock([`row ${String(id)}`]));
    },
    lose: reject,
  };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}

interface Line {
  readonly give: (run: Outgoing) => void;
  /** The runs of each message that went out. */
  readonly messages: readonly (readonly number[])[];
  /** The rows that went out, run by run. */
  readonly rows: readonly unknown[];
  readonly sent: readonly number[];
  readonly refused: readonly (readonly [number, unknown])[];
  readonly unwanted: Set<number>;
}

/** `onLook` is called with each run that is looked at, before it is said whether it is wanted. */
function open(onLook: (id: number, give: Line['give']) => void = () => undefined): Line {
  const messages: (readonly number[])[] = [];
  const rows: unknown[] = [];
  const sent: number[] = [];
  const refused: [number, unknown][] = [];
  const unwanted = new Set<number>();
  const give = createRunSender({
    post(message: ToWorker, transfer) {
      const copy = structuredClone(message, { transfer: transfer as never[] });
      if (copy.type !== 'runs') throw new Error(`a message of another type: ${copy.type}`);
      messages.push(copy.runs.map(({ id }) => id));
      for (const { blocks } of copy.runs) {
        for (const block of blocks) if (block.kind === 'rows') rows.push(...block.rows);
      }
    },
    isWanted({ id }: Outgoing) {
      onLook(id, give);
      return !unwanted.has(id);
    },
    onSent: ({ id }) => {
      sent.push(id);
    },
    onRefused: ({ id }, cause) => {
      refused.push([id, cause]);
    },
  });
  return { give, messages, rows, sent, refused, unwanted };
}

describe('runs that are given in one turn', () => {
  test('go in one message, in their order, when the turn is over', async () => {
    const { give, messages, rows, sent } = open();
    [1, 2, 3].forEach((id) => {
      give(here(id));
    });
    expect(messages).toEqual([]);
    await turn();
    expect(messages).toEqual([[1, 2, 3]]);
    expect(rows).toEqual(['row 1', 'row 2', 'row 3']);
    expect(sent).toEqual([1, 2, 3]);
  });

  test('are not sent again with those of the next', async () => {
    const { give, messages, sent } = open();
    give(here(1));
    await turn();
    give(here(2));
    give(here(3));
    await turn();
    expect(messages).toEqual([[1], [2, 3]]);
    expect(sent).toEqual([1, 2, 3]);
  });

  test('may be none that is still wanted: nothing goes out', async () => {
    const { give, messages, sent, unwanted } = open();
    give(here(1));
    unwanted.add(1);
    await turn();
    expect([messages, sent]).toEqual([[], []]);
  });

  test('leave without those that are not wanted any more', async () => {
    const { give, messages, sent, refused, unwanted } = open();
    [1, 2, 3].forEach((id) => {
      give(here(id));
    });
    unwanted.add(2);
    await turn();
    expect(messages).toEqual([[1, 3]]);
    expect([sent, refused]).toEqual([[1, 3], []]);
  });

  test('are joined by one that is given while they are looked at, in a message of its own', async () => {
    const { give, messages, sent } = open((id, add) => {
      if (id === 1) add(here(3));
    });
    give(here(1));
    give(here(2));
    await turn();
    expect(messages).toEqual([[1, 2], [3]]);
    expect(sent).toEqual([1, 2, 3]);
  });
});

describe('a run that cannot be sent', () => {
  test('is refused, and all others of its message are sent once', async () => {
    const { give, messages, sent, refused } = open();
    give(here(1));
    give(unsendable(2));
    give(here(3));
    await turn();
    expect(messages).toEqual([[1], [3]]);
    expect(sent).toEqual([1, 3]);
    expect(refused).toEqual([[2, expect.objectContaining({ name: 'DataCloneError' })]]);
  });

  test('is refused when it is alone', async () => {
    const { give, messages, sent, refused } = open();
    give(unsendable(1));
    await turn();
    expect([messages, sent]).toEqual([[], []]);
    expect(refused).toEqual([[1, expect.objectContaining({ name: 'DataCloneError' })]]);
  });

  test('does not hurt those of the next turn', async () => {
    const { give, messages } = open();
    give(unsendable(1));
    await turn();
    give(here(2));
    give(here(3));
    await turn();
    expect(messages).toEqual([[2, 3]]);
  });

  test('for its input is gone: that is told when whoever gives it is done, and hurts no other', async () => {
    const { give, messages, sent, refused } = open();
    const loss = new StoreError('it is not there');
    const gone = outgoing(1, () => {
      throw loss;
    });
    give(gone);
    give(here(2));
    expect(refused).toEqual([]);
    await turn();
    expect(refused).toEqual([[1, loss]]);
    expect([messages, sent]).toEqual([[[2]], [2]]);
  });
});

describe('a run that has to be brought back', () => {
  test('does not hold the others up, and follows when it is there', async () => {
    const { give, messages, rows, sent } = open();
    const late = away(1);
    give(late.run);
    give(here(2));
    give(here(3));
    await turn();
    expect(messages).toEqual([[2, 3]]);
    late.bringBack();
    await turn();
    expect(messages).toEqual([[2, 3], [1]]);
    expect(rows).toEqual(['row 2', 'row 3', 'row 1']);
    expect(sent).toEqual([2, 3, 1]);
  });

  test('goes with others that come back in the same turn', async () => {
    const { give, messages } = open();
    const late = [away(1), away(2)];
    for (const { run } of late) give(run);
    await turn();
    expect(messages).toEqual([]);
    for (const { bringBack } of late) bringBack();
    await turn();
    expect(messages).toEqual([[1, 2]]);
  });

  test('is not sent when nobody wants it any more', async () => {
    const { give, messages, sent, unwanted } = open();
    const late = away(1);
    give(late.run);
    await turn();
    unwanted.add(1);
    late.bringBack();
    await turn();
    expect([messages, sent]).toEqual([[], []]);
  });

  test('is refused when it is lost, and no other is', async () => {
    const { give, messages, refused } = open();
    const late = away(1);
    const loss = new StoreError('the disk is gone');
    give(late.run);
    give(here(2));
    late.lose(loss);
    await turn();
    expect(refused).toEqual([[1, loss]]);
    expect(messages).toEqual([[2]]);
  });
});

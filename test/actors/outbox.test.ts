/** What a worker tells, and when, in virtual time. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { rowBlock } from '../../actors/block.ts';
import { createOutbox, type Outbox, type Pending } from '../../actors/workers/outbox.ts';
import type { FromWorker, RunNews } from '../../actors/workers/protocol.ts';
import { WorkerError } from '../../machines/errors.ts';
import { DONE } from './support/worker-tools.ts';

function pendingOf(row: unknown): Pending {
  const { message, transfer } = rowBlock([row], 8).toTransfer();
  return { output: [message, 0, 0], transfer };
}

interface Line {
  readonly outbox: Outbox;
  /** The messages that went out, as the other side gets them. */
  readonly messages: readonly (readonly RunNews[])[];
  readonly refused: readonly (readonly [number, unknown])[];
}

function open(): Line {
  const messages: (readonly RunNews[])[] = [];
  const refused: [number, unknown][] = [];
  const post = (message: FromWorker, transfer: Transferable[]): void => {
    const sent = structuredClone(message, { transfer: transfer as never[] });
    if (sent.type === 'news') messages.push(sent.news);
  };
  const outbox = createOutbox(post, (id, _output, error) => {
    refused.push([id, error]);
  });
  return { outbox, messages, refused };
}

/** Runs and rows of a message, and whether a run is over. */
function told(news: readonly RunNews[] | undefined): unknown {
  return news?.map(({ id, outputs, report }) => [
    id,
    outputs.map(([block]) => (block.kind === 'rows' ? block.rows[0] : undefined)),
    report !== undefined,
  ]);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('what is not urgent', () => {
  test('is told in one message, in its order, a run with its end', () => {
    const { outbox, messages } = open();
    outbox.add(1, pendingOf('a'));
    outbox.add(1, pendingOf('b'));
    outbox.report(1, DONE);
    outbox.add(2, pendingOf('c'));
    outbox.report(2, DONE);
    outbox.add(3, pendingOf('d'));
    expect(messages).toEqual([]);
    outbox.tell();
    expect(messages.map(told)).toEqual([
      [
        [1, ['a', 'b'], true],
        [2, ['c'], true],
        [3, ['d'], false],
      ],
    ]);
  });

  test('is told after a while by itself, and once', () => {
    const { outbox, messages } = open();
    outbox.add(1, pendingOf('a'));
    vi.advanceTimersByTime(1);
    expect(messages).toHaveLength(0);
    vi.advanceTimersByTime(10);
    expect(messages.map(told)).toEqual([[[1, ['a'], false]]]);
    outbox.tell();
    expect(messages).toHaveLength(1);
  });

  test('is due when nothing was told for a while', () => {
    const { outbox } = open();
    expect(outbox.isDue()).toBe(false);
    vi.advanceTimersByTime(10);
    expect(outbox.isDue()).toBe(true);
    outbox.tell();
    expect(outbox.isDue()).toBe(false);
  });

  test('leaves no timer behind when it was told', () => {
    const { outbox } = open();
    outbox.add(1, pendingOf('a'));
    outbox.tell();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what cannot be sent', () => {
  const noData = (): undefined => undefined;

  test('is the end of its run, and nothing else is lost', () => {
    const { outbox, messages, refused } = open();
    outbox.add(1, pendingOf('a'));
    outbox.report(1, DONE);
    outbox.add(2, pendingOf('b'));
    outbox.add(2, pendingOf(noData));
    outbox.add(2, pendingOf('c'));
    outbox.report(2, DONE);
    outbox.add(3, pendingOf('d'));
    outbox.report(3, DONE);
    outbox.tell();
    expect(messages.map(told)).toEqual([
      [[1, ['a'], false]],
      [[1, [], true]],
      [[2, ['b'], false]],
      [[3, ['d'], false]],
      [[3, [], true]],
    ]);
    expect(refused).toEqual([[2, expect.any(WorkerError)]]);
  });

  test('is said to whoever sends it at once', () => {
    const { outbox, refused } = open();
    expect(() => {
      outbox.send(1, pendingOf(noData));
    }).toThrow(WorkerError);
    expect(refused).toEqual([]);
  });

  test('may be a row that was given up: it is left out of the report', () => {
    const { outbox, messages, refused } = open();
    const letter = { operator: 'work', lineage: '0.0', attempts: 1, row: 0, published: 0 };
    const cause = { name: 'Error', message: 'bad', stack: undefined } as never;
    outbox.report(1, { ...DONE, droppedRows: [{ letter, cause, row: noData }] });
    outbox.tell();
    expect(refused).toEqual([]);
    expect(messages[0]?.[0]?.report?.droppedRows).toEqual([{ letter, cause, row: undefined }]);
  });
});

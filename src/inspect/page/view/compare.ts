/** What is different between two runs, operator by operator, as far as both have got. */
import {
  sharesAt,
  taskDurations,
  type OperatorModel,
  type RunModel,
} from '../../../run-model/index.ts';
import { bytes, count, duration } from './format.ts';

export interface Difference {
  readonly operator: string;
  readonly fact: string;
  readonly a: string;
  readonly b: string;
  /** B relative to A in percent; undefined where that says nothing. */
  readonly change: number | undefined;
  /** Whether more is worse. */
  readonly isCost: boolean;
}

interface Fact {
  readonly name: string;
  readonly of: (operator: OperatorModel, model: RunModel) => number | undefined;
  readonly text: (value: number) => string;
  readonly isCost: boolean;
}

const FACTS: readonly Fact[] = [
  { name: 'tasks done', of: ({ figures }) => figures.done, text: count, isCost: false },
  { name: 'rows out', of: ({ figures }) => figures.rowsOut, text: count, isCost: false },
  { name: 'bytes out', of: ({ figures }) => figures.bytesOut, text: bytes, isCost: false },
  { name: 'busy', of: ({ figures }) => figures.busyMs, text: duration, isCost: true },
  { name: 'p50', of: (operator) => taskDurations(operator).p50, text: duration, isCost: true },
  { name: 'p95', of: (operator) => taskDurations(operator).p95, text: duration, isCost: true },
  { name: 'retried', of: ({ figures }) => figures.retried, text: count, isCost: true },
  { name: 'given up', of: ({ figures }) => figures.dropped, text: count, isCost: true },
  {
    name: 'running, % of its time',
    of: (operator, { at }) => sharesAt(operator, at)['running'] ?? 0,
    text: (value) => `${value.toFixed(0)} %`,
    isCost: false,
  },
];

/** Facts of the whole run. */
const RUN_FACTS: readonly (Omit<Fact, 'of'> & { readonly of: (model: RunModel) => number })[] = [
  { name: 'duration', of: ({ end, at }) => end?.at ?? at, text: duration, isCost: true },
  { name: 'rows to the consumer', of: ({ consumer }) => consumer.rows, text: count, isCost: false },
  { name: 'peak of live bytes', of: ({ peakBytes }) => peakBytes, text: bytes, isCost: true },
  { name: 'cycles', of: ({ cycles }) => cycles, text: count, isCost: true },
];

export function compareRuns(a: RunModel, b: RunModel): readonly Difference[] {
  const whole = RUN_FACTS.map(({ name, of, text, isCost }) =>
    difference('whole run', name, of(a), of(b), text, isCost),
  );
  const names = [...new Set([...a.operators, ...b.operators].map(({ name }) => name))];
  const each = names.flatMap((name) => {
    const [left, right] = [a, b].map(({ operators }) =>
      operators.find((operator) => operator.name === name),
    );
    return FACTS.flatMap(({ name: fact, of, text, isCost }) => {
      const before = left === undefined ? undefined : of(left, a);
      const after = right === undefined ? undefined : of(right, b);
      if ((before ?? 0) === 0 && (after ?? 0) === 0) return [];
      return [difference(name, fact, before, after, text, isCost)];
    });
  });
  return [...whole, ...each];
}

function difference(
  operator: string,
  fact: string,
  a: number | undefined,
  b: number | undefined,
  text: (value: number) => string,
  isCost: boolean,
): Difference {
  const change = a === undefined || b === undefined || a === 0 ? undefined : (100 * (b - a)) / a;
  return {
    operator,
    fact,
    a: a === undefined ? '—' : text(a),
    b: b === undefined ? '—' : text(b),
    change,
    isCost,
  };
}

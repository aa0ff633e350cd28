/**
 * Events as they are sent to viewers. What an operator holds changes at every message to it, and is told
 * in full each time, for recordings and for readers that come late: most of it is what the viewer has been
 * told before. So on a socket only the figures that have changed are sent, behind a mask that says which.
 */
import type { OperatorFigures, RunEvent } from '../../machines/run-event.ts';
import type { RunModel } from '../run-model/model.ts';

/** Number, time, operator, mask of changed figures, and these in the order of `FIELDS`; null: missing. */
export type PackedFigures = readonly [
  seq: number,
  at: number,
  operator: string,
  changed: number,
  ...values: readonly (number | readonly number[] | null)[],
];

export type PackedEvent = RunEvent | PackedFigures;

export interface EventPacker {
  /** Begins anew from a model that the other side has, too. */
  readonly reset: (model: RunModel | undefined) => void;
  readonly pack: (event: RunEvent) => PackedEvent;
}

export interface EventUnpacker {
  readonly reset: (model: RunModel | undefined) => void;
  readonly unpack: (packed: PackedEvent) => RunEvent;
}

/** Both sides know them in this order; the mask has a bit for each. */
const FIELDS = [
  ...(['in', 'inBytes', 'out', 'outBytes', 'parked', 'active', 'holding', 'done'] as const),
  ...(['failed', 'cancelled', 'retried', 'dropped', 'rowsDropped', 'blocksIn', 'rowsIn'] as const),
  ...(['bytesIn', 'blocksOut', 'rowsOut', 'bytesOut', 'busyMs', 'maxConcurrency'] as const),
  ...(['bundle', 'blockMs'] as const),
] satisfies readonly (keyof OperatorFigures)[];

/** What the other side was last told of each operator. */
interface Known {
  readonly reset: (model: RunModel | undefined) => void;
  readonly figures: Map<string, OperatorFigures>;
}

function createKnown(): Known {
  const figures = new Map<string, OperatorFigures>();
  return {
    figures,
    reset(model) {
      figures.clear();
      for (const operator of model?.operators ?? []) figures.set(operator.name, operator.figures);
    },
  };
}

export function createPacker(): EventPacker {
  const { figures: known, reset } = createKnown();
  return {
    reset,
    pack(event) {
      // Told anew after a gap, of other operators perhaps.
      if (event.type === 'run.started') known.clear();
      if (event.type !== 'operator.changed') return event;
      const { seq, at, operator, figures } = event;
      const before = known.get(operator);
      known.set(operator, figures);
      if (before === undefined) return event;
      let changed = 0;
      const values: (number | readonly number[] | null)[] = [];
      FIELDS.forEach((field, bit) => {
        if (isSame(before[field], figures[field])) return;
        changed |= 1 << bit;
        values.push(figures[field] ?? null);
      });
      return [seq, at, operator, changed, ...values];
    },
  };
}

export function createUnpacker(): EventUnpacker {
  const { figures: known, reset } = createKnown();
  return {
    reset,
    unpack(packed) {
      const event = isFigures(packed) ? whole(packed) : packed;
      if (event.type === 'run.started') known.clear();
      if (event.type === 'operator.changed') known.set(event.operator, event.figures);
      return event;
    },
  };

  function whole([seq, at, operator, changed, ...values]: PackedFigures): RunEvent {
    const figures: Record<string, unknown> = { ...known.get(operator) };
    let next = 0;
    FIELDS.forEach((field, bit) => {
      if ((changed & (1 << bit)) === 0) return;
      const value = values[next++];
      if (value === null) Reflect.deleteProperty(figures, field);
      else figures[field] = value;
    });
    const complete = figures as unknown as OperatorFigures;
    return { type: 'operator.changed', operator, figures: complete, seq, at };
  }
}

function isFigures(packed: PackedEvent): packed is PackedFigures {
  return Array.isArray(packed);
}

function isSame(
  one: number | readonly number[] | undefined,
  other: number | readonly number[] | undefined,
): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

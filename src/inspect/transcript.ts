/**
 * Events of a run in the numbers of a recording: from 0 on, whatever came before. What a model says
 * stands in for the events that led there, as for everybody who comes late.
 */
import type { BlockRef } from '../../machines/block.ts';
import type { RunEvent, RunEventBody } from '../../machines/run-event.ts';
import type { RunModel, TaskBar } from '../run-model/index.ts';

export interface Transcript {
  /** Number of the last event it has, as the run counts them; -1 before the first. */
  readonly last: () => number;
  /** Tells all that a model says. What comes next is what came after the model. */
  readonly tell: (model: RunModel) => void;
  /** Adds the event that comes next. */
  readonly add: (event: RunEvent) => void;
}

export function createTranscript(take: (event: RunEvent) => void): Transcript {
  let [last, next] = [-1, 0];
  /** What is added to the numbers of the run, and where what was told anew ends. */
  let [offset, told] = [0, 0];
  /** Rows the consumer has got, as told: what is told of them adds up. */
  let rows = 0;

  function write(event: RunEvent): void {
    if (event.type === 'blocks.moved' && event.to === 'consumer') rows += event.rows;
    take(event);
  }

  return {
    last: () => last,
    tell(model) {
      for (const body of present(model, rows)) write({ ...body, seq: next++, at: model.at });
      last = model.seq;
      told = next;
      offset = next - last - 1;
    },
    add(event) {
      last = event.seq;
      const seq = next++;
      if (event.type !== 'message' || event.cause === undefined) {
        write({ ...event, seq });
        return;
      }
      const { cause, ...rest } = event;
      // What led to it may be older than the recording.
      write({ ...rest, seq, ...(cause + offset < told ? {} : { cause: cause + offset }) });
    },
  };
}

/** What there is, as events, besides the rows that have been told: in the order in which a run tells it to those who come late. */
function present(model: RunModel, rowsTold: number): readonly RunEventBody[] {
  const { plan, budget, machines, operators, used, cycles, end } = model;
  const { held, demand, waits } = model.consumer;
  const rows = model.consumer.rows - rowsTold;
  const actors = Object.values(model.actors).filter(({ stoppedAt }) => stoppedAt === undefined);
  return [
    { type: 'run.started', plan, budget },
    ...Object.entries(machines).map(([machine, definition]): RunEventBody => ({
      type: 'machine.defined',
      machine,
      definition,
    })),
    ...actors.flatMap(({ path: actor, machine, state }): RunEventBody[] => [
      { type: 'actor.started', actor, machine },
      ...(state === '' ? [] : [{ type: 'state.entered' as const, actor, state }]),
    ]),
    { type: 'cycle', cycle: cycles },
    ...operators.flatMap((operator): RunEventBody[] => {
      const { name, figures, doing, doingSince: since, spent, denial, running } = operator;
      return [
        { type: 'operator.changed', operator: name, figures },
        { type: 'operator.doing', operator: name, doing, since, spent },
        ...(denial === undefined
          ? []
          : [{ type: 'operator.denied' as const, operator: name, denial }]),
        ...running.flatMap((bar) => (bar === null ? [] : [underWay(name, bar)])),
      ];
    }),
    { type: 'resources.changed', used, accounts: operators.map(({ account }) => account) },
    { type: 'consumer.changed', held, demand, waits },
    { type: 'blocks.moved', to: 'consumer', port: 0, blocks: [], rows, bytes: 0 },
    ...(end === undefined ? [] : [{ type: 'run.ended' as const, ...end }]),
  ];
}

/** A task as if it began now. Of its inputs the model knows the first one's lineage, and the rows of all. */
function underWay(operator: string, bar: TaskBar): RunEventBody {
  const { task, slot, attempts: attempt, lineage, rowsIn } = bar;
  const inputs = bar.inputs.map((id, index): BlockRef => ({
    id,
    lineage: index === 0 ? lineage : '',
    producer: -1,
    numRows: index === 0 ? rowsIn : 0,
    sizeBytes: 0,
  }));
  return { type: 'task.started', operator, task, slot, attempt, inputs };
}

/**
 * The events of a run with its model, and the way back: keyframes every few seconds or thousand events,
 * so that any moment is the nearest keyframe and the events from there. What is oldest is let go of when
 * there is too much.
 */
import type { RunEvent } from '../../machines/run-event.ts';
import { emptyHistory, historyUntil } from '../run-model/history.ts';
import { advanceModel, applyRunEvent, cloneModel, emptyModel } from '../run-model/index.ts';
import type { RunModel } from '../run-model/model.ts';
import type { Keyframe, Moment, TimeRange } from './protocol.ts';

export interface Timeline {
  /** The model after the last event. */
  readonly model: RunModel;
  readonly push: (event: RunEvent) => void;
  readonly range: () => TimeRange;
  /** The keyframe at or before a moment, without history, and the events from there to the moment. */
  readonly moment: (at: number) => Moment | undefined;
  /** The model as it was at a moment. Undefined when that is not at hand any more. */
  readonly modelAt: (at: number) => RunModel | undefined;
  /** Events from a number on, oldest first. */
  readonly events: (fromSeq: number, limit: number) => readonly RunEvent[];
}

export interface TimelineOptions {
  /** About how many bytes of events to keep. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** Keeps what is older as text, which takes a third of the memory and some time. Default: false. */
  readonly compact?: boolean;
}

/** Events and milliseconds from one keyframe to the next, at most. */
const EVENTS_A_KEYFRAME = 2000;
/** A keyframe of many actors is large: it must be worth its while. */
const EVENTS_AN_ACTOR = 10;
const MS_A_KEYFRAME = 5000;
/** Not worth a keyframe, however long it took. */
const FEW_EVENTS = 200;
/** Keyframes that are named in the range, at most. */
const NAMED_KEYFRAMES = 200;
const DEFAULT_BYTES = 64 * 2 ** 20;

interface Chunk {
  readonly keyframe: Keyframe;
  readonly firstSeq: number;
  readonly firstAt: number;
  readonly maxEvents: number;
  count: number;
  bytes: number;
  /** Objects, or the same as JSON. */
  events: RunEvent[] | string;
}

export function createTimeline(options: TimelineOptions = {}): Timeline {
  const { maxBytes = DEFAULT_BYTES, compact = false } = options;
  const model = emptyModel();
  const chunks: Chunk[] = [];
  let bytes = 0;

  function push(event: RunEvent): void {
    const chunk = chunkFor(event);
    (chunk.events as RunEvent[]).push(event);
    chunk.count += 1;
    const size = sizeOf(event);
    chunk.bytes += size;
    bytes += size;
    while (bytes > maxBytes && chunks.length > 1) bytes -= chunks.shift()?.bytes ?? 0;
    applyRunEvent(model, event);
  }

  function chunkFor(event: RunEvent): Chunk {
    const last = chunks.at(-1);
    const isRoom =
      last !== undefined &&
      last.count < last.maxEvents &&
      (last.count < FEW_EVENTS || event.at - last.keyframe.at < MS_A_KEYFRAME);
    if (isRoom) return last;
    if (last !== undefined && compact) last.events = JSON.stringify(last.events);
    const keyframe = keyframeOf(model);
    const chunk: Chunk = {
      keyframe,
      firstSeq: event.seq,
      firstAt: event.at,
      maxEvents: Math.max(
        EVENTS_A_KEYFRAME,
        EVENTS_AN_ACTOR * Object.keys(keyframe.model.actors).length,
      ),
      count: 0,
      bytes: 400 * Object.keys(keyframe.model.actors).length,
      events: [],
    };
    bytes += chunk.bytes;
    chunks.push(chunk);
    return chunk;
  }

  /** The last chunk that begins at or before. */
  function chunkAt(isBefore: (chunk: Chunk) => boolean): number {
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = chunks[middle];
      if (chunk !== undefined && isBefore(chunk)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  function moment(at: number): Moment | undefined {
    const first =
      chunks[
        Math.max(
          0,
          chunkAt(({ keyframe }) => keyframe.at <= at),
        )
      ];
    if (first === undefined) return undefined;
    return { keyframe: first.keyframe, events: eventsOf(first).filter((event) => event.at <= at) };
  }

  return {
    model,
    push,
    moment,
    range: () => ({
      from: beginOf(chunks[0]),
      to: model.at,
      firstSeq: chunks[0]?.firstSeq ?? 0,
      lastSeq: model.seq,
      keyframes: chunks
        .filter((_chunk, index) => index % Math.ceil(chunks.length / NAMED_KEYFRAMES) === 0)
        .map(({ keyframe }) => keyframe.at),
    }),
    modelAt(at) {
      const found = moment(at);
      return found === undefined ? undefined : replay(found, model, at);
    },
    events(fromSeq, limit) {
      const found: RunEvent[] = [];
      for (
        let index = Math.max(
          0,
          chunkAt(({ firstSeq }) => firstSeq <= fromSeq),
        );
        index < chunks.length && found.length < limit;
        index++
      ) {
        const chunk = chunks[index];
        for (const event of chunk === undefined ? [] : eventsOf(chunk)) {
          if (event.seq >= fromSeq && found.length < limit) found.push(event);
        }
      }
      return found;
    },
  };
}

/** The model at a moment; the history up to the keyframe is that of a model of the same run. */
export function replay({ keyframe, events }: Moment, known: RunModel, at: number): RunModel {
  const history = historyUntil(known.history, keyframe.seq, keyframe.at);
  const model = { ...cloneModel(keyframe.model), history };
  for (const event of events) applyRunEvent(model, event);
  advanceModel(model, at);
  return model;
}

/** The model without its history: small, and all that is needed to go on from there. */
export function keyframeOf(model: RunModel): Keyframe {
  const copy = cloneModel({ ...model, history: emptyHistory() });
  return { seq: model.seq, at: model.at, model: copy };
}

/** Where what is at hand begins. Of those who came late that is when they did, not when the run began. */
function beginOf(chunk: Chunk | undefined): number {
  if (chunk === undefined) return 0;
  return chunk.keyframe.seq < 0 ? chunk.firstAt : chunk.keyframe.at;
}

function eventsOf({ events }: Chunk): readonly RunEvent[] {
  return typeof events === 'string' ? (JSON.parse(events) as RunEvent[]) : events;
}

/** About how much memory an event takes: what varies is counted, the rest is a guess. */
function sizeOf(event: RunEvent): number {
  const base = 160;
  switch (event.type) {
    case 'task.started':
      return base + 120 * event.inputs.length;
    case 'block.produced':
      return base + 120;
    case 'blocks.moved':
    case 'blocks.released':
      return base + 8 * event.blocks.length;
    case 'operator.changed':
      return base + 400;
    case 'resources.changed':
      return base + 80 * event.accounts.length;
    case 'log':
      return base + 2 * event.text.length;
    case 'task.retried':
      return base + 2 * event.error.length;
    case 'run.started':
      return base + 1000 * event.plan.operators.length;
    case 'machine.defined':
      return 20_000;
    default:
      return base;
  }
}

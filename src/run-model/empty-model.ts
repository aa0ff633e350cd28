/** The run model before anything is known, and copies of it. */
import type { OperatorInfo } from '../../machines/run-event.ts';
import type { Metrics, OperatorMetrics, OperatorModel, RunModel } from './model.ts';

export function emptyModel(): RunModel {
  return {
    seq: -1,
    at: 0,
    revision: 0,
    plan: { name: '', operators: [] },
    budget: { resources: {}, blockBytes: 0 },
    state: '',
    pausedSince: undefined,
    cycles: 0,
    end: undefined,
    operators: [],
    used: {},
    liveBytes: 0,
    peakBytes: 0,
    consumer: { held: 0, demand: 0, waits: false, blocks: 0, rows: 0 },
    actors: {},
    machines: {},
    why: { seq: -1, text: '', kind: 'starting', operator: undefined, limit: undefined, since: 0 },
    whyCheckedAt: 0,
    breakpoint: undefined,
    history: {
      tasks: { entries: [], dropped: 0 },
      messages: { entries: [], dropped: 0 },
      whys: { entries: [], dropped: 0 },
      logs: { entries: [], dropped: 0 },
      metrics: emptyMetrics(),
    },
    skipped: 0,
  };
}

/** An operator nothing has happened to. */
export function freshOperator(info: OperatorInfo, at: number): OperatorModel {
  const ports = Array.from({ length: info.ports }, () => 0);
  return {
    index: info.index,
    name: info.name,
    state: 'idle',
    stateSince: at,
    figures: {
      in: ports,
      inBytes: ports,
      out: 0,
      outBytes: 0,
      parked: 0,
      active: 0,
      holding: 0,
      done: 0,
      failed: 0,
      cancelled: 0,
      retried: 0,
      dropped: 0,
      rowsDropped: 0,
      blocksIn: 0,
      rowsIn: 0,
      bytesIn: 0,
      blocksOut: 0,
      rowsOut: 0,
      bytesOut: 0,
      busyMs: 0,
      maxConcurrency: info.maxConcurrency,
      bundle: 1,
    },
    account: { reserved: 0, live: 0, tokens: 0 },
    denial: undefined,
    doing: 'starved',
    doingSince: at,
    spent: {},
    recent: {},
    recentAt: at,
    arrivals: ports.map(() => []),
    taken: undefined,
    running: [],
    durations: [],
    troubled: undefined,
    errors: [],
  };
}

export function emptyMetrics(): Metrics {
  return {
    at: [],
    liveBytes: [],
    limitBytes: [],
    resources: [],
    operators: [],
    consumedRows: [],
    dropped: 0,
  };
}

export function emptyOperatorMetrics(): OperatorMetrics {
  return { rowsOut: [], bytesOut: [], queued: [], queuedBytes: [], active: [], p50: [], p95: [] };
}

/** A copy that shares nothing with the model: a keyframe. */
export function cloneModel(model: RunModel): RunModel {
  return structuredClone(model);
}

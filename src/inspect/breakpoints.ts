/**
 * Breakpoints: what to hold the run for. They see the run's events, cannot veto anything, and say when
 * the run should be held, right after what they wait for.
 */
import { OptionError } from '../../machines/errors.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import type { RunModel } from '../run-model/model.ts';
import { durationText } from '../run-model/quantities.ts';
import type { Breakpoint, BreakpointSpec } from './protocol.ts';

export interface Breakpoints {
  readonly list: () => readonly Breakpoint[];
  readonly add: (spec: BreakpointSpec) => Breakpoint;
  /** False when there is no such breakpoint. */
  readonly remove: (id: string) => boolean;
  readonly see: (event: RunEvent) => void;
  /** Looks at how long operators have been blocked. */
  readonly tick: (model: RunModel, now: number) => void;
}

/** How many there may be at once: each costs something at every event. */
const MAX_BREAKPOINTS = 50;
const MAX_HITS = 1_000_000;

interface Kept {
  readonly spec: BreakpointSpec & { readonly id: string };
  hits: number;
  /** Operators whose present block, since when, has been counted. */
  readonly counted: Map<string, number>;
}

/** `hold` is called when one is hit, with words for what happened. */
export function createBreakpoints(hold: (id: string, text: string) => void): Breakpoints {
  const kept = new Map<string, Kept>();
  let next = 1;

  function hit(one: Kept, text: string): void {
    one.hits += 1;
    const { id, hit: wanted = 1, once = false } = one.spec;
    if (one.hits < wanted) return;
    if (once) kept.delete(id);
    hold(id, text);
  }

  return {
    list: () => [...kept.values()].map(({ spec, hits }) => ({ ...spec, hits })),
    add(spec) {
      checkBreakpoint(spec);
      if (kept.size >= MAX_BREAKPOINTS) {
        throw new OptionError('breakpoint', `there are ${String(MAX_BREAKPOINTS)} already`);
      }
      const id = `b${String(next++)}`;
      kept.set(id, { spec: { ...spec, id }, hits: 0, counted: new Map() });
      return { ...spec, id, hits: 0 };
    },
    remove: (id) => kept.delete(id),
    see(event) {
      if (kept.size === 0) return;
      for (const one of [...kept.values()]) {
        const text = textOfHit(one.spec, event);
        if (text !== undefined) hit(one, text);
      }
    },
    tick(model, now) {
      for (const one of [...kept.values()]) {
        const { spec, counted } = one;
        if (spec.on !== 'blocked') continue;
        for (const { name, denial } of model.operators) {
          if (spec.operator !== undefined && spec.operator !== name) continue;
          if (denial === undefined || denial.limit === 'maxConcurrency') continue;
          if (now - denial.since <= spec.longerThanMs) continue;
          if (counted.get(name) === denial.since) continue;
          counted.set(name, denial.since);
          hit(one, `${name} blocked by ${denial.limit} for ${durationText(now - denial.since)}`);
        }
      }
    },
  };
}

function textOfHit(spec: BreakpointSpec, event: RunEvent): string | undefined {
  switch (spec.on) {
    case 'state':
      if (event.type !== 'state.entered' || event.state !== spec.state) return undefined;
      if (spec.actor !== undefined && spec.actor !== event.actor) return undefined;
      return `${event.actor} entered ${event.state}`;
    case 'message':
      if (event.type !== 'message' || event.message !== spec.message) return undefined;
      if (spec.actor !== undefined && spec.actor !== event.to) return undefined;
      return `${event.message} was delivered to ${event.to}`;
    case 'queue': {
      if (event.type !== 'operator.changed' || event.operator !== spec.operator) return undefined;
      const waiting = event.figures.in.reduce((sum, blocks) => sum + blocks, 0);
      if (waiting <= spec.above) return undefined;
      return `${String(waiting)} blocks wait in front of ${event.operator}`;
    }
    case 'failure': {
      const isRetry = event.type === 'task.retried';
      const isFailure = event.type === 'task.ended' && event.outcome === 'failed';
      if (!isRetry && !isFailure) return undefined;
      if (spec.operator !== undefined && spec.operator !== event.operator) return undefined;
      return `task ${String(event.task)} of ${event.operator} failed: ${event.error ?? ''}`;
    }
    case 'blocked':
      // Time passes without events: see `tick`.
      return undefined;
  }
}

/** @throws OptionError that names what is wrong: breakpoints come from outside. */
function checkBreakpoint(spec: BreakpointSpec): void {
  const text = (name: string, required: boolean): void => {
    const value = (spec as unknown as Record<string, unknown>)[name];
    if (value === undefined && !required) return;
    if (typeof value === 'string' && value !== '' && value.length <= 500) return;
    throw new OptionError(`breakpoint.${name}`, `breakpoint.${name} must be a short text`);
  };
  const count = (name: string, least: number): void => {
    const value = (spec as unknown as Record<string, unknown>)[name];
    if (typeof value === 'number' && Number.isFinite(value) && value >= least) return;
    throw new OptionError(
      `breakpoint.${name}`,
      `breakpoint.${name} must be a number of at least ${String(least)}`,
    );
  };
  switch (spec.on) {
    case 'state':
      text('state', true);
      text('actor', false);
      break;
    case 'message':
      text('message', true);
      text('actor', false);
      break;
    case 'queue':
      text('operator', true);
      count('above', 0);
      break;
    case 'failure':
      text('operator', false);
      break;
    case 'blocked':
      text('operator', false);
      count('longerThanMs', 1);
      break;
    default:
      throw new OptionError(
        'breakpoint.on',
        'breakpoint.on must be state, message, queue, failure or blocked',
      );
  }
  if (
    spec.hit !== undefined &&
    !(Number.isInteger(spec.hit) && spec.hit >= 1 && spec.hit <= MAX_HITS)
  ) {
    throw new OptionError('breakpoint.hit', 'breakpoint.hit must be a whole number of at least 1');
  }
  if (spec.once !== undefined && typeof spec.once !== 'boolean') {
    throw new OptionError('breakpoint.once', 'breakpoint.once must be true or false');
  }
}

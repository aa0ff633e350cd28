/**
 * Watches one run: its timeline, its breakpoints, and what can be done to it. Servers and same-process
 * viewers share it. It attaches when it is made and lets go when it is closed; nothing that goes wrong
 * with it reaches the run.
 */
import type { Env } from '../../actors/env.ts';
import { OptionError } from '../../machines/errors.ts';
import type { BudgetInfo, RunEvent } from '../../machines/run-event.ts';
import type { Budget, Rate } from '../budget.ts';
import { advanceModel } from '../run-model/index.ts';
import { internalsOf } from '../run-internals.ts';
import type { Run } from '../run.ts';
import { added } from './listeners.ts';
import { createBreakpoints } from './breakpoints.ts';
import type { ActorValue, Breakpoint, Command, RunInfo } from './protocol.ts';
import { redactEvent, type RedactOptions } from './redact.ts';
import { SourceError } from './run-source.ts';
import { createTimeline, type Timeline, type TimelineOptions } from './timeline.ts';
import { valueOf } from './actor-values.ts';

export interface Recorder {
  readonly info: () => RunInfo;
  readonly timeline: Timeline;
  readonly breakpoints: () => readonly Breakpoint[];
  /** Calls back with each event, once the timeline has it. Returns what ends it. */
  readonly onEvent: (listener: (event: RunEvent) => void) => () => void;
  /** Calls back when breakpoints have changed. */
  readonly onBreakpoints: (listener: () => void) => () => void;
  /** Lets the model's time pass up to now. */
  readonly tick: () => void;
  readonly value: (actor: string) => ActorValue;
  readonly explain: (operator: string) => string;
  /** @throws SluiceError or SourceError when it cannot be done. */
  readonly command: (command: Command) => Promise<unknown>;
  readonly close: () => void;
}

export interface RecorderOptions extends TimelineOptions, RedactOptions {}

/** What a recorder watches: a run, or any XState actors. */
export interface Watched {
  readonly name: string;
  readonly kind: RunInfo['kind'];
  readonly env: Env;
  /** On the clock of `env`. */
  readonly startedAt: number;
  /** The context of one of its actors, by its path. */
  readonly value: (path: string, options: RedactOptions) => ActorValue;
  /** Calls back with every event from now on, beginning with what is there already. */
  readonly listen: (listener: (event: RunEvent) => void) => () => void;
  readonly note: (event: {
    readonly type: 'breakpoint.hit';
    readonly breakpoint: string;
    readonly text: string;
  }) => void;
  /** What can be done to it; undefined when nothing can. */
  readonly controls: Controls | undefined;
}

export type Controls = Pick<
  Run<unknown>,
  'pause' | 'resume' | 'step' | 'setBudget' | 'setMaxConcurrency' | 'cancel' | 'stop' | 'explain'
>;

/** @throws OptionError when `run` is no run of this copy of Sluice. */
export function watchRun<T>(run: Run<T>): Watched {
  const internals = internalsOf(run);
  if (internals === undefined) {
    throw new OptionError(
      'run',
      'this is no run, or one that was started by another copy of sluice: see npm ls sluice',
    );
  }
  const { env, startedAt, note } = internals;
  return {
    name: run.name,
    kind: 'pipeline',
    env,
    startedAt,
    value: (path, options) => valueOf(run.actor, path, options),
    listen(listener) {
      const subscription = run.trace.subscribe({ next: listener });
      return () => {
        subscription.unsubscribe();
      };
    },
    note,
    controls: run,
  };
}

/** Attaches to what is to be watched. */
export function createRecorder(
  id: string,
  watched: Watched,
  options: RecorderOptions = {},
): Recorder {
  const { env, name, kind, controls } = watched;
  const timeline = createTimeline(options);
  const { model } = timeline;
  const listeners = new Set<(event: RunEvent) => void>();
  const breakpointListeners = new Set<() => void>();
  const epoch = (env.timeOrigin ?? 0) + watched.startedAt;

  const breakpoints = createBreakpoints((breakpoint, text) => {
    controls?.pause();
    // Told once the event that led here has been taken in by everybody.
    held.push({ type: 'breakpoint.hit', breakpoint, text });
  });
  const held: Parameters<Watched['note']>[0][] = [];

  function take(event: RunEvent): void {
    try {
      const shown = options.redact === false ? event : redactEvent(event);
      timeline.push(shown);
      for (const listener of listeners) listener(shown);
      breakpoints.see(shown);
    } catch {
      // A viewer that fails is no business of the run.
    }
    tellHeld();
  }

  function tellHeld(): void {
    for (let hit = held.shift(); hit !== undefined; hit = held.shift()) {
      watched.note(hit);
      for (const listener of breakpointListeners) listener();
    }
  }

  const now = (): number => env.now() - watched.startedAt;
  const unlisten = watched.listen(take);

  function tick(): void {
    advanceModel(model, now());
    breakpoints.tick(model, now());
    tellHeld();
  }

  function changed<T>(result: T): T {
    for (const listener of breakpointListeners) listener();
    return result;
  }

  return {
    timeline,
    tick,
    info: () => ({ id, name, kind, startedAt: epoch, ended: model.end !== undefined }),
    breakpoints: breakpoints.list,
    onEvent: (listener) => added(listeners, listener),
    onBreakpoints: (listener) => added(breakpointListeners, listener),
    value: (actor) => watched.value(actor, options),
    explain(operator) {
      if (controls === undefined)
        throw new SourceError('NOT_FOUND', 'these actors are no pipeline');
      return controls.explain(operator).text;
    },
    async command(command) {
      if (controls === undefined) {
        throw new SourceError('RUN', 'these actors are no pipeline: there is nothing to control');
      }
      if (model.end !== undefined) throw new SourceError('RUN', 'the run is over');
      switch (command.type) {
        case 'addBreakpoint':
          return changed(breakpoints.add(command.breakpoint));
        case 'removeBreakpoint':
          if (breakpoints.remove(command.id)) return changed(null);
          throw new SourceError('NOT_FOUND', `there is no breakpoint ${command.id}`);
        default:
          await control(controls, command);
          return null;
      }
    },
    close() {
      unlisten();
      listeners.clear();
      breakpointListeners.clear();
    },
  };

  async function control(
    run: Controls,
    command: Exclude<Command, { type: 'addBreakpoint' | 'removeBreakpoint' }>,
  ): Promise<void> {
    switch (command.type) {
      case 'hold':
        run.pause();
        break;
      case 'resume':
        run.resume();
        break;
      case 'step': {
        const operator = command.by === 'task' ? command.operator : undefined;
        await run.step({ by: command.by, ...(operator === undefined ? {} : { operator }) });
        break;
      }
      case 'setBudget':
        run.setBudget(changedBudget(model.budget, command.amounts));
        break;
      case 'setMaxConcurrency':
        run.setMaxConcurrency(command.operator, command.maxConcurrency);
        break;
      case 'cancel':
        // Whoever asked should not wait for the end: they see it.
        void run.cancel('cancelled from the inspector');
        break;
      case 'stop':
        void run.stop();
        break;
    }
  }
}

/** The budget with some amounts replaced. Rates keep their burst unless they are named. */
function changedBudget(budget: BudgetInfo, amounts: Readonly<Record<string, number>>): Budget {
  const known = [...Object.keys(budget.resources), 'blockBytes'];
  for (const name of Object.keys(amounts)) {
    if (known.includes(name)) continue;
    throw new OptionError(name, `the budget has no "${name}"; it has: ${known.join(', ')}`);
  }
  const resources = Object.entries(budget.resources).map(
    ([name, limit]): [string, number | Rate] => {
      const amount = amounts[name];
      if ('amount' in limit) return [name, amount ?? limit.amount];
      return [name, amount === undefined ? limit : { perSecond: amount, burst: limit.burst }];
    },
  );
  return {
    ...Object.fromEntries(resources),
    blockBytes: amounts['blockBytes'] ?? budget.blockBytes,
  };
}

/**
 * One viewer: what it is told and what it may ask. It is told on its own timer, never from within the
 * run, and never more than it takes: what would pile up is left out, and it is told how much that was.
 */
import type { WebSocket } from 'ws';
import { OptionError, SluiceError } from '../../../machines/errors.ts';
import { historyAfter, recentHistory } from '../../run-model/history.ts';
import type { RunHistory, RunModel } from '../../run-model/model.ts';
import {
  PROTOCOL_VERSION,
  type ErrorCode,
  type Keyframe,
  type Question,
  type Rights,
  type ServerMessage,
} from '../protocol.ts';
import { createPacker } from '../packed-events.ts';
import type { Recorder } from '../recorder.ts';
import { SourceError } from '../run-source.ts';
import { isCovered, isWatched, type Topic } from '../topics.ts';
import { readMessage } from './check-message.ts';
import type { Hub } from './hub.ts';

export interface Viewer {
  readonly rights: Rights;
  /** Tells what is new since the last time. */
  readonly flush: () => void;
  readonly close: (code: number, reason: string) => void;
}

export interface ViewerLimits {
  /** Bytes that may wait in the socket before anything more is sent. */
  readonly maxBuffered: number;
  /** Events in one batch; more than these become a keyframe, as do more than five times as many unwatched. */
  readonly maxEvents: number;
  /** Questions and commands a second. */
  readonly maxRequests: number;
}

export const VIEWER_LIMITS: ViewerLimits = {
  maxBuffered: 2 * 2 ** 20,
  maxEvents: 2000,
  maxRequests: 50,
};

/** Entries of each list, and samples, that somebody new gets, and somebody who was too slow. */
const FOR_HELLO = { entries: 5000, samples: 600, spread: true };
const FOR_SKIP = { entries: 500, samples: 60, spread: false };
const FOR_WATCH = { entries: 5000, samples: 60, spread: false };
const MAX_EVENTS_ASKED = 5000;

export function createViewer(
  socket: WebSocket,
  {
    hub,
    rights,
    limits = VIEWER_LIMITS,
    now,
  }: {
    readonly hub: Hub;
    readonly rights: Rights;
    readonly limits?: ViewerLimits;
    readonly now: () => number;
  },
): Viewer {
  let recorder: Recorder | undefined;
  const packer = createPacker();
  let topics: readonly Topic[] | undefined;
  let sentSeq = -1;
  let sentBreakpoints = '';
  let sentRuns = '';
  let tokens = limits.maxRequests;
  let filledAt = now();

  function send(message: ServerMessage): void {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  }

  function fail(id: number | undefined, code: ErrorCode, message: string): void {
    send({ type: 'error', code, message, ...(id === undefined ? {} : { id }) });
  }

  function hello(run: string | undefined): void {
    recorder = run === undefined ? undefined : hub.recorder(run);
    const runs = hub.runs();
    sentRuns = JSON.stringify(runs);
    sentBreakpoints = JSON.stringify(recorder?.breakpoints() ?? []);
    sentSeq = recorder?.timeline.model.seq ?? -1;
    packer.reset(recorder?.timeline.model);
    send({
      type: 'hello',
      version: PROTOCOL_VERSION,
      rights,
      runs,
      ...(recorder === undefined
        ? {}
        : {
            run: recorder.info(),
            keyframe: keyframe(recorder.timeline.model, FOR_HELLO),
          }),
      breakpoints: recorder?.breakpoints() ?? [],
      range: rangeOf(recorder),
    });
  }

  function flush(): void {
    if (socket.readyState !== socket.OPEN) return;
    // It has not taken what it was sent: the next time it gets what is true by then.
    if (socket.bufferedAmount > limits.maxBuffered) return;
    if (recorder === undefined && hub.newest() !== undefined) {
      hello(hub.newest());
      return;
    }
    const runs = hub.runs();
    const text = JSON.stringify(runs);
    if (text !== sentRuns) {
      sentRuns = text;
      send({ type: 'runs', runs });
    }
    if (recorder === undefined) return;
    flushBreakpoints(recorder);
    flushEvents(recorder);
  }

  function flushBreakpoints(from: Recorder): void {
    const breakpoints = from.breakpoints();
    const text = JSON.stringify(breakpoints);
    if (text === sentBreakpoints) return;
    sentBreakpoints = text;
    send({ type: 'breakpoints', breakpoints });
  }

  function flushEvents(from: Recorder): void {
    const { model, range, events } = from.timeline;
    const fresh = model.seq - sentSeq;
    const isAtHand = sentSeq + 1 >= range().firstSeq && fresh <= 5 * limits.maxEvents;
    const told = isAtHand
      ? events(sentSeq + 1, fresh).filter((event) => isWatched(event, topics, model))
      : [];
    if (isAtHand && told.length <= limits.maxEvents) {
      // Also when there are none: time passes.
      send({ type: 'events', events: told.map(packer.pack), range: range() });
      sentSeq = model.seq;
    } else {
      sendKeyframe(from, fresh, recentHistory(model.history, FOR_SKIP));
    }
  }

  function sendKeyframe({ timeline }: Recorder, skipped: number, history: RunHistory): void {
    const { model, range } = timeline;
    const keyframe = { seq: model.seq, at: model.at, model: { ...model, history } };
    send({ type: 'keyframe', keyframe, skipped, range: range() });
    sentSeq = model.seq;
    packer.reset(model);
  }

  function watch(wanted: readonly Topic[], since: number): void {
    // What was watched until now is told to its end.
    flush();
    const isKnown = isCovered(wanted, topics);
    topics = wanted;
    if (recorder === undefined || isKnown) return;
    const { seq, history } = recorder.timeline.model;
    // None, unless it is too slow: then it has not been told.
    sendKeyframe(recorder, seq - sentSeq, historyAfter(recentHistory(history, FOR_WATCH), since));
  }

  function mayAsk(): boolean {
    const time = now();
    const refilled = tokens + ((time - filledAt) / 1000) * limits.maxRequests;
    tokens = Math.min(limits.maxRequests, refilled);
    filledAt = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }

  async function receive(text: string): Promise<void> {
    const read = readMessage(text);
    if ('problem' in read) {
      fail(read.id, 'BAD_MESSAGE', read.problem);
      return;
    }
    const { message } = read;
    const { id } = message;
    if (!mayAsk()) {
      fail(id, 'BUSY', 'too many requests: slow down');
      return;
    }
    try {
      let result: unknown;
      if (message.type === 'ask') result = answer(message.question);
      else if (rights.control) result = await current().command(message.command);
      else throw new SourceError('FORBIDDEN', 'this address may only look: ask for the other one');
      // What it did is shown before it is said to be done.
      flush();
      send({ type: 'reply', id, result: result ?? null });
    } catch (error) {
      fail(id, ...failureOf(error));
    }
  }

  function current(): Recorder {
    if (recorder !== undefined) return recorder;
    throw new SourceError('NOT_FOUND', 'there is no run yet');
  }

  function answer(question: Question): unknown {
    switch (question.type) {
      case 'select':
        if (hub.recorder(question.run) === undefined) {
          throw new SourceError('NOT_FOUND', 'there is no such run');
        }
        hello(question.run);
        return null;
      case 'watch':
        watch(question.topics, question.since);
        return null;
      case 'moment': {
        const moment = current().timeline.moment(question.at);
        if (moment !== undefined) return moment;
        throw new SourceError('NOT_FOUND', 'nothing is known of that moment any more');
      }
      case 'events': {
        const limit = Math.min(MAX_EVENTS_ASKED, question.limit);
        return { events: current().timeline.events(question.fromSeq, limit) };
      }
      case 'value':
        if (!rights.values) throw new SourceError('FORBIDDEN', 'values are not shown here');
        return current().value(question.actor);
      case 'explain':
        return { text: current().explain(question.operator) };
    }
  }

  socket.on('message', (data, isBinary) => {
    if (isBinary) {
      fail(undefined, 'BAD_MESSAGE', 'messages are text');
      return;
    }
    void receive((data as Buffer).toString('utf8'));
  });
  hello(hub.newest());
  return {
    rights,
    flush,
    close(code, reason) {
      socket.close(code, reason);
    },
  };
}

/** To be made into text at once: it shares what it is made of with the model. */
function keyframe(model: RunModel, keep: Parameters<typeof recentHistory>[1]): Keyframe {
  const history = recentHistory(model.history, keep);
  return { seq: model.seq, at: model.at, model: { ...model, history } };
}

function rangeOf(recorder: Recorder | undefined): ReturnType<Recorder['timeline']['range']> {
  return recorder?.timeline.range() ?? { from: 0, to: 0, firstSeq: 0, lastSeq: -1, keyframes: [] };
}

/** What a viewer is told of an error: nothing of those that are not for it. */
function failureOf(error: unknown): [ErrorCode, string] {
  if (error instanceof SourceError) return [error.code as ErrorCode, error.message];
  if (error instanceof OptionError) return ['OPTION', error.message];
  if (error instanceof SluiceError) return ['RUN', error.message];
  return ['RUN', 'it could not be done'];
}

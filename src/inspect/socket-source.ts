/**
 * A live run over the server's WebSocket as a source for viewers. Reconnects by itself, and shows the
 * last data until then. Runs in browsers, and in Node with a WebSocket class that is given.
 */
import { liveEnv } from '../../actors/env.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { emptyModel } from '../run-model/index.ts';
import { advanceModel, applyRunEvent } from '../run-model/index.ts';
import { joinHistory } from '../run-model/history.ts';
import type { RunModel } from '../run-model/model.ts';
import { added } from './listeners.ts';
import {
  PROTOCOL_VERSION,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL,
  type ActorValue,
  type Breakpoint,
  type Command,
  type Moment,
  type Question,
  type Rights,
  type RunInfo,
  type ServerMessage,
  type TimeRange,
} from './protocol.ts';
import { SourceError, type RunSource, type SourceStatus } from './run-source.ts';
import { createUnpacker } from './packed-events.ts';
import { replay } from './timeline.ts';
import { ALL_TOPICS, haveMessages, needMessages, type Topic } from './topics.ts';

export interface SocketSourceOptions {
  /** `ws://127.0.0.1:1234/live` */
  readonly url: string;
  readonly token: string;
  /** Opens a socket. Default: the platform's `WebSocket`. */
  readonly open?: (url: string, protocols: string[]) => SocketLike;
  /** Timers. Default: the platform's. */
  readonly setTimer?: (delayMs: number, callback: () => void) => () => void;
}

/** The parts of a WebSocket that are used. */
export interface SocketLike {
  send(data: string): void;
  close(): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
/** Close codes after which another attempt would end the same way. */
const FINAL_CODES: readonly number[] = [4001, 4003];

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export function connectSource(options: SocketSourceOptions): RunSource {
  const { url, token, setTimer = liveEnv.setTimer } = options;
  const open = options.open ?? ((to, protocols) => new WebSocket(to, protocols) as SocketLike);
  const listeners = new Set<() => void>();
  const eventListeners = new Set<(events: readonly RunEvent[]) => void>();
  const pending = new Map<number, Pending>();
  let model = emptyModel();
  let status: SourceStatus = { kind: 'connecting' };
  let run: RunInfo | undefined;
  let runs: readonly RunInfo[] = [];
  let rights: Rights = { control: false, values: false };
  let breakpoints: readonly Breakpoint[] = [];
  let range: TimeRange = { from: 0, to: 0, firstSeq: 0, lastSeq: -1, keyframes: [] };
  const unpacker = createUnpacker();
  /** What is looked at, and what the server was last told of it. */
  let topics: readonly Topic[] | undefined;
  let told: readonly Topic[] | undefined;
  /** Up to which event all messages are known. */
  let messagesUntil = -1;
  let socket: SocketLike | undefined;
  let nextId = 1;
  let retryMs = FIRST_RETRY_MS;
  let cancelRetry = (): void => undefined;
  let closed = false;

  function changed(): void {
    for (const listener of listeners) listener();
  }

  function connect(): void {
    if (closed) return;
    const opened = open(url, [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL}${token}`]);
    socket = opened;
    opened.onmessage = ({ data }) => {
      if (typeof data === 'string') receive(JSON.parse(data) as ServerMessage);
    };
    opened.onerror = () => undefined;
    opened.onclose = ({ code, reason }) => {
      if (socket !== opened) return;
      socket = undefined;
      for (const { reject } of pending.values()) {
        reject(new SourceError('DISCONNECTED', 'the connection was lost'));
      }
      pending.clear();
      if (closed) return;
      const why = reason === '' ? 'the connection was lost' : reason;
      if (FINAL_CODES.includes(code)) {
        status = { kind: 'disconnected', reason: why };
      } else {
        status = { kind: 'disconnected', reason: why, retryInMs: retryMs };
        cancelRetry = setTimer(retryMs, connect);
        retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
      }
      changed();
    };
  }

  function receive(message: ServerMessage): void {
    switch (message.type) {
      case 'hello':
        hello(message);
        break;
      case 'events':
        range = message.range;
        takeEvents(message.events.map(unpacker.unpack));
        break;
      case 'keyframe': {
        const { skipped } = message;
        range = message.range;
        unpacker.reset(message.keyframe.model);
        takeKeyframe(message.keyframe.model, model.skipped + skipped);
        break;
      }
      case 'runs':
        runs = message.runs;
        run = runs.find(({ id }) => id === run?.id) ?? run;
        break;
      case 'breakpoints':
        breakpoints = message.breakpoints;
        break;
      case 'reply':
        pending.get(message.id)?.resolve(message.result);
        pending.delete(message.id);
        return;
      case 'error':
        if (message.id === undefined) return;
        pending.get(message.id)?.reject(new SourceError(message.code, message.message));
        pending.delete(message.id);
        return;
    }
    changed();
  }

  function hello(message: Extract<ServerMessage, { type: 'hello' }>): void {
    if ((message.version as number) !== PROTOCOL_VERSION) {
      closed = true;
      socket?.close();
      const reason = 'the server is of another version than this page: reload it';
      status = { kind: 'disconnected', reason };
      return;
    }
    retryMs = FIRST_RETRY_MS;
    const isSame = run !== undefined && message.run?.id === run.id && isContinued(message);
    ({ rights, runs, run, breakpoints, range } = { run: undefined, ...message });
    unpacker.reset(message.keyframe?.model);
    if (message.keyframe !== undefined && isSame) {
      takeKeyframe(message.keyframe.model, model.skipped);
    } else {
      replaceModel(message.keyframe?.model ?? emptyModel());
    }
    status = statusNow();
    messagesUntil = range.lastSeq;
    told = undefined;
    tellTopics().catch(() => undefined);
  }

  /** Whether the run has gone on since: a server that was started again has another one of the same id. */
  function isContinued({
    run: told,
    keyframe,
  }: Extract<ServerMessage, { type: 'hello' }>): boolean {
    return told?.startedAt === run?.startedAt && (keyframe?.seq ?? -1) >= model.seq;
  }

  /** The object stays the same as long as the run is: viewers hold on to it. */
  function takeKeyframe(next: RunModel, skipped: number): void {
    const { revision } = model;
    const history = joinHistory(model.history, next.history);
    Object.assign(model, next, { history, skipped, revision: revision + 1 });
    status = statusNow();
  }

  function replaceModel(next: RunModel): void {
    model = { ...next, revision: model.revision + 1 };
  }

  function takeEvents(events: readonly RunEvent[]): void {
    for (const event of events) if (event.seq > model.seq) applyRunEvent(model, event);
    // Those that are not watched have been seen to, too.
    model.seq = range.lastSeq;
    advanceModel(model, range.to);
    status = statusNow();
    if (events.length > 0) for (const listener of eventListeners) listener(events);
  }

  function statusNow(): SourceStatus {
    return { kind: model.end === undefined ? 'live' : 'ended' };
  }

  /** With each connection the server begins with everything. */
  async function tellTopics(): Promise<void> {
    // Whoever listens to events wants all of them, whatever is looked at besides.
    const wanted = eventListeners.size > 0 ? ALL_TOPICS : topics;
    if (topics === undefined || wanted === undefined) return;
    if (wanted.join() === told?.join() || status.kind === 'connecting' || socket === undefined)
      return;
    if (haveMessages(told)) messagesUntil = range.lastSeq;
    told = wanted;
    const since = needMessages(wanted) ? messagesUntil : range.lastSeq;
    await ask({ type: 'watch', topics: wanted, since });
  }

  function ask(question: Question): Promise<unknown> {
    return request((id) => JSON.stringify({ type: 'ask', id, question }));
  }

  function request(text: (id: number) => string): Promise<unknown> {
    const to = socket;
    if (to === undefined || status.kind === 'connecting') {
      return Promise.reject(new SourceError('DISCONNECTED', 'there is no connection now'));
    }
    const id = nextId++;
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject });
      to.send(text(id));
    });
  }

  connect();
  return {
    get model() {
      return model;
    },
    get status() {
      return status;
    },
    get run() {
      return run;
    },
    get runs() {
      return runs;
    },
    get rights() {
      return rights;
    },
    get breakpoints() {
      return breakpoints;
    },
    get range() {
      return range;
    },
    subscribe: (listener) => added(listeners, listener),
    onEvents(listener) {
      const end = added(eventListeners, listener);
      tellTopics().catch(() => undefined);
      return () => {
        end();
        tellTopics().catch(() => undefined);
      };
    },
    async modelAt(at) {
      const known = model;
      return replay((await ask({ type: 'moment', at })) as Moment, known, at);
    },
    async events(fromSeq, limit) {
      const answer = await ask({ type: 'events', fromSeq, limit });
      return (answer as { readonly events: readonly RunEvent[] }).events;
    },
    async value(actor) {
      return (await ask({ type: 'value', actor })) as ActorValue;
    },
    async watch(wanted) {
      topics = wanted;
      await tellTopics();
    },
    async select(id) {
      await ask({ type: 'select', run: id });
    },
    command: (command: Command) => request((id) => JSON.stringify({ type: 'do', id, command })),
    close() {
      closed = true;
      cancelRetry();
      socket?.close();
    },
  };
}

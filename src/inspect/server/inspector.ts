/**
 * The inspector: shows runs of this process in a browser. It listens on this machine alone, shows nothing
 * to anybody without its token, and changes nothing unless it was started with `control`. It keeps no
 * process alive.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AnyActorRef } from 'xstate';
import { OptionError } from '../../../machines/errors.ts';
import { backgroundEnv } from '../../node/background-env.ts';
import type { Run } from '../../run.ts';
import { watchActor } from '../watch-actor.ts';
import { watchReceiver, type XState4Receiver } from '../xstate4/watch-receiver.ts';
import type { InspectorOptions } from '../options.ts';
import { createRecorder, watchRun } from '../recorder.ts';
import type { Recording } from '../recording.ts';
import { replayRecorder } from '../replay-recorder.ts';
import { loadAssets } from './assets.ts';
import { loopbackHosts, makeToken } from './checks.ts';
import { createGate, type Authorize } from './gate.ts';
import { createHandlers, type Handlers } from './handlers.ts';
import { createHub } from './hub.ts';
import { checkInspectorOptions } from './inspector-options.ts';

/** A server of its own. */
export interface Inspector {
  /** Address of the page, with a token in its fragment: the control token if `control` is true. */
  readonly url: string;
  /** The same for those who may only look. */
  readonly readUrl: string;
  /** Shows a run, and those it is told of later: viewers choose. Returns its address. */
  inspect<T>(run: Run<T>): string;
  /** Shows XState actors that are no pipeline: this one and all below it. Returns its address. */
  inspectActor(actor: AnyActorRef): string;
  /**
   * Shows the machines of an app with XState 4, from what a receiver of its inspector, `@xstate/inspect`,
   * receives. `name` is what to call the app; default: `XState 4`. Returns its address.
   */
  inspectReceiver(receiver: XState4Receiver, name?: string): string;
  /** Shows a recording. Returns its address. */
  open(recording: Recording): string;
  /** Viewers there are now. */
  readonly viewers: number;
  /** Resolves when no viewer has been there for two seconds. */
  idle(): Promise<void>;
  /** Lets go of all runs and viewers. */
  close(): Promise<void>;
}

/** An inspector inside a server of the user's: it listens nowhere by itself. */
export interface MountedInspector extends Handlers {
  /** Tokens for the fragment of the page's address: `/inspect/#token=<token>`. */
  readonly tokens: { readonly read: string; readonly control: string | undefined };
  inspect<T>(run: Run<T>): void;
  inspectActor(actor: AnyActorRef): void;
  /** Shows the machines of an app with XState 4: see `Inspector`. */
  inspectReceiver(receiver: XState4Receiver, name?: string): void;
  close(): void;
}

export interface MountOptions extends Omit<InspectorOptions, 'port' | 'host'> {
  /**
   * Says what whoever sent a request may do. With it no token is needed. Required in production.
   */
  readonly authorize?: Authorize;
}

const TELL_MS = 100;
const PING_MS = 15_000;
const IDLE_MS = 2000;
const MAX_CONNECTIONS = 64;

/**
 * Starts an inspector.
 * @throws OptionError when an option has a value it cannot have.
 */
export async function startInspector(options: InspectorOptions = {}): Promise<Inspector> {
  checkInspectorOptions(options, false);
  const { port = 0, host = '127.0.0.1', allowedHosts = [] } = options;
  const parts = createParts(options);
  const hosts = new Set(allowedHosts.map((name) => name.toLowerCase()));
  const handlers = createHandlers({ ...parts, hosts: () => [...hosts] });
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000 },
    (request, response) => {
      handlers.handler(request, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (_error, socket: Duplex) => {
    socket.destroy();
  });
  server.on('connection', (socket) => {
    socket.unref();
  });
  handlers.attach(server, '/');
  await listen(server, port, host);
  server.unref();
  const { port: listening } = server.address() as AddressInfo;
  for (const name of loopbackHosts(listening)) hosts.add(name);
  const base = `http://${isLoopback(host) ? `127.0.0.1:${String(listening)}` : (allowedHosts[0] ?? host)}/`;
  const { tokens, hub, gate } = parts;
  const url = `${base}#token=${tokens.control ?? tokens.read}`;
  return {
    url,
    readUrl: `${base}#token=${tokens.read}`,
    inspect(run) {
      parts.inspect(run);
      return url;
    },
    inspectActor(actor) {
      parts.inspectActor(actor);
      return url;
    },
    inspectReceiver(receiver, name) {
      parts.inspectReceiver(receiver, name);
      return url;
    },
    open(recording) {
      hub.add(recording, (id) => replayRecorder(id, recording));
      return url;
    },
    get viewers() {
      return gate.viewers();
    },
    idle: () => gate.idle(IDLE_MS),
    async close() {
      parts.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

/** The inspectors of this process, by their options: several runs share one. */
const shared = new Map<string, Promise<Inspector>>();

/** The inspector of this process with these options: it is started when it is first asked for. */
export function sharedInspector(options: InspectorOptions): Promise<Inspector> {
  const key = JSON.stringify(options, (_name, value: unknown) =>
    typeof value === 'function' ? String(value) : value,
  );
  const known = shared.get(key);
  if (known !== undefined) return known;
  const started = startInspector(options);
  shared.set(key, started);
  started.catch(() => shared.delete(key));
  return started;
}

/**
 * Shows XState actors that are no pipeline: this one and all below it. The actor may have been started
 * already. Returns the address of the page.
 *
 * @example
 * const actor = createActor(machine).start();
 * console.log(await inspectActor(actor));
 */
export async function inspectActor(
  actor: AnyActorRef,
  options: InspectorOptions = {},
): Promise<string> {
  return (await sharedInspector(options)).inspectActor(actor);
}

/**
 * Makes an inspector for a server of the user's own: see `Handlers`.
 * @throws OptionError when an option has a value it cannot have, or when `authorize` is missing in
 * production (`NODE_ENV`).
 */
export function mountInspector(options: MountOptions = {}): MountedInspector {
  checkInspectorOptions(options, true);
  const { authorize, allowedHosts = [] } = options;
  if (authorize === undefined && process.env['NODE_ENV'] === 'production') {
    throw new OptionError(
      'authorize',
      'an inspector in a production server needs authorize(request): who may look, who may control',
    );
  }
  const parts = createParts(options);
  const allowed = allowedHosts.map((name) => name.toLowerCase());
  const hosts = (request: IncomingMessage | undefined): readonly string[] => {
    const port = request?.socket.localPort;
    return port === undefined ? allowed : [...allowed, ...loopbackHosts(port)];
  };
  return {
    ...createHandlers({ ...parts, hosts, authorize }),
    tokens: parts.tokens,
    inspect: parts.inspect,
    inspectActor: parts.inspectActor,
    inspectReceiver: parts.inspectReceiver,
    close: parts.close,
  };
}

/** What inspectors of both kinds are made of. */
function createParts(options: InspectorOptions & MountOptions) {
  const { control = false, values = true, frameAncestors = [], resumeAfterMs = 30_000 } = options;
  const hub = createHub();
  const tokens = { read: makeToken(), control: control ? makeToken() : undefined };
  const gate = createGate({ hub, tokens, values, env: backgroundEnv, resumeAfterMs });
  const stopTelling = every(TELL_MS, gate.flush);
  const stopPinging = every(PING_MS, gate.ping);
  return {
    hub,
    tokens,
    gate,
    assets: loadAssets(options.ui),
    frameAncestors,
    inspect: <T>(run: Run<T>): void => {
      hub.add(run, (id) => createRecorder(id, watchRun(run), options));
    },
    inspectActor: (actor: AnyActorRef): void => {
      hub.add(actor, (id) => createRecorder(id, watchActor(actor, backgroundEnv), options));
    },
    inspectReceiver: (receiver: XState4Receiver, name = 'XState 4'): void => {
      const watch = (id: string) =>
        createRecorder(id, watchReceiver(receiver, name, backgroundEnv), options);
      hub.add(receiver, watch);
    },
    close: (): void => {
      stopTelling();
      stopPinging();
      gate.close();
      hub.close();
    },
  };
}

/** Calls back again and again, in the background. */
function every(ms: number, act: () => void): () => void {
  let cancel = (): void => undefined;
  const again = (): void => {
    cancel = backgroundEnv.setTimer(ms, () => {
      act();
      again();
    });
  };
  again();
  return () => {
    cancel();
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      // What goes wrong with the server later is no business of the run.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

export function isLoopback(host: string): boolean {
  return host === '127.0.0.1' || host === '::1' || host === 'localhost';
}

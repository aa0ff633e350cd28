/** Lets viewers in: who they are, how many there may be, and that those who guess must wait. */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Env } from '../../../actors/env.ts';
import { SUBPROTOCOL, type Rights } from '../protocol.ts';
import {
  checkOrigin,
  checkRequest,
  sameToken,
  shownToken,
  speaksProtocol,
  type Refusal,
} from './checks.ts';
import type { Hub } from './hub.ts';
import { createViewer, type Viewer } from './viewer.ts';

/** What a request may do: nothing, look, or control as well. `true` is to look. */
export type Authorize = (
  request: IncomingMessage | Request,
) => boolean | 'read' | 'control' | Promise<boolean | 'read' | 'control'>;

export interface Gate {
  /** Takes a request to upgrade, or refuses it. Never throws. */
  readonly upgrade: (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    checks: UpgradeChecks,
  ) => Promise<void>;
  readonly flush: () => void;
  readonly ping: () => void;
  readonly viewers: () => number;
  readonly idle: (ms: number) => Promise<void>;
  readonly close: () => void;
}

export interface UpgradeChecks {
  readonly hosts: readonly string[];
  readonly authorize: Authorize | undefined;
}

interface GateOptions {
  readonly hub: Hub;
  readonly tokens: { readonly read: string; readonly control: string | undefined };
  readonly values: boolean;
  readonly env: Env;
  readonly resumeAfterMs: number;
}

export const MAX_VIEWERS = 8;
const MAX_MESSAGE = 64 * 1024;
/** Wrong tokens that are answered at once; later ones wait, and only so many of them. */
const FREE_TRIES = 5;
const DELAY_MS = 1000;
const MAX_DELAYED = 8;

export function createGate({ hub, tokens, values, env, resumeAfterMs }: GateOptions): Gate {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    // Packing would cost the run's own time, and unpacking could be made to cost any.
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  const viewers = new Map<WebSocket, { readonly viewer: Viewer; isAlive: boolean }>();
  const idleListeners = new Set<() => void>();
  let wrongTries = 0;
  let delayed = 0;
  let cancelResume = (): void => undefined;
  let closed = false;

  async function upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { hosts, authorize }: UpgradeChecks,
  ): Promise<void> {
    const onError = (): void => {
      socket.destroy();
    };
    socket.on('error', onError);
    try {
      const refusal = checkUpgrade(request, hosts);
      if (refusal !== undefined) {
        refuse(socket, refusal);
        return;
      }
      const rights = await rightsOf(request, authorize);
      if (rights === undefined) {
        refuseSlowly(socket);
        return;
      }
      if (viewers.size >= MAX_VIEWERS) {
        refuse(socket, { status: 503, reason: 'there are as many viewers as there may be' });
        return;
      }
      if (closed || socket.destroyed) return;
      socket.off('error', onError);
      server.handleUpgrade(request, socket, head, (opened) => {
        enter(opened, rights);
      });
    } catch {
      socket.destroy();
    }
  }

  function checkUpgrade(request: IncomingMessage, hosts: readonly string[]): Refusal | undefined {
    const refusal = checkRequest(request, hosts) ?? checkOrigin(request, hosts);
    if (refusal !== undefined) return refusal;
    if (closed || speaksProtocol(request)) return undefined;
    return { status: 400, reason: `the subprotocol must be ${SUBPROTOCOL}` };
  }

  async function rightsOf(
    request: IncomingMessage,
    authorize: Authorize | undefined,
  ): Promise<Rights | undefined> {
    if (authorize !== undefined) {
      const granted = await authorize(request);
      if (granted === false) return undefined;
      return { control: granted === 'control' && tokens.control !== undefined, values };
    }
    const shown = shownToken(request);
    if (shown === undefined) return undefined;
    const isControl = tokens.control !== undefined && sameToken(shown, tokens.control);
    const isRead = sameToken(shown, tokens.read);
    return isControl || isRead ? { control: isControl, values } : undefined;
  }

  function refuseSlowly(socket: Duplex): void {
    wrongTries += 1;
    const refusal = { status: 401, reason: 'the token is missing or wrong' } as const;
    if (wrongTries <= FREE_TRIES) {
      refuse(socket, refusal);
      return;
    }
    if (delayed >= MAX_DELAYED) {
      socket.destroy();
      return;
    }
    delayed += 1;
    env.setTimer(DELAY_MS, () => {
      delayed -= 1;
      refuse(socket, refusal);
    });
  }

  function enter(socket: WebSocket, rights: Rights): void {
    cancelResume();
    const viewer = createViewer(socket, { hub, rights, now: env.now });
    const entry = { viewer, isAlive: true };
    viewers.set(socket, entry);
    socket.on('pong', () => {
      entry.isAlive = true;
    });
    // What is wrong with a socket ends it, and nothing else.
    socket.on('error', () => {
      socket.terminate();
    });
    socket.on('close', () => {
      viewers.delete(socket);
      if (rights.control) resumeLater();
      if (viewers.size === 0) for (const listener of idleListeners) listener();
    });
  }

  /** A run is not left held by somebody who has gone. */
  function resumeLater(): void {
    if ([...viewers.values()].some(({ viewer }) => viewer.rights.control)) return;
    cancelResume = env.setTimer(resumeAfterMs, () => {
      for (const { id } of hub.runs()) {
        const recorder = hub.recorder(id);
        if (recorder?.timeline.model.pausedSince === undefined) continue;
        recorder.command({ type: 'resume' }).catch(() => undefined);
      }
    });
  }

  return {
    upgrade,
    flush() {
      hub.tick();
      for (const { viewer } of viewers.values()) {
        try {
          viewer.flush();
        } catch {
          viewer.close(1011, 'the inspector failed');
        }
      }
    },
    ping() {
      for (const [socket, entry] of viewers) {
        if (!entry.isAlive) socket.terminate();
        entry.isAlive = false;
        if (socket.readyState === socket.OPEN) socket.ping();
      }
    },
    viewers: () => viewers.size,
    idle(ms) {
      return new Promise((resolve) => {
        const check = (): void => {
          if (viewers.size > 0) return;
          // Whoever reloads the page is back in a moment.
          env.setTimer(ms, () => {
            if (viewers.size > 0) return;
            idleListeners.delete(check);
            resolve();
          });
        };
        idleListeners.add(check);
        check();
      });
    },
    close() {
      closed = true;
      cancelResume();
      for (const socket of viewers.keys()) socket.close(1001, 'the inspector was closed');
      server.close();
    },
  };
}

/** Says why, and closes. */
export function refuse(socket: Duplex, { status, reason }: Refusal): void {
  if (socket.destroyed) return;
  socket.end(
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${String(Buffer.byteLength(reason))}\r\n\r\n${reason}`,
  );
  socket.once('finish', () => {
    socket.destroy();
  });
}

/**
 * Who may talk to the server. A page of any site can make a browser send requests to this machine, so
 * each one is checked for the name it was sent to and the page it was sent by, and nothing is done for
 * any that does not show a token. Nothing here ever throws: what cannot be read is refused.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOL, TOKEN_SUBPROTOCOL } from '../protocol.ts';

/** A refusal: the HTTP status, and a short reason without anything the request said. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 429 | 503;
  readonly reason: string;
}

const refused = (status: Refusal['status'], reason: string): Refusal => ({ status, reason });

/** Names of this machine by which it cannot be reached from another. Exact: no suffix, no `localhost6`. */
export function loopbackHosts(port: number): readonly string[] {
  return ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${String(port)}`);
}

/** Checks what every request must pass, whatever it wants. */
export function checkRequest(
  { headers }: Pick<IncomingMessage, 'headers'>,
  hosts: readonly string[],
): Refusal | undefined {
  if (!isOwnHost(headers.host, hosts)) {
    return refused(403, 'this host name is not one of the inspector (see allowedHosts)');
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return refused(403, 'requests of other sites are refused');
  }
  return undefined;
}

/** Checks the origin of an upgrade, after `checkRequest`. */
export function checkOrigin(
  { headers }: Pick<IncomingMessage, 'headers'>,
  hosts: readonly string[],
): Refusal | undefined {
  const { origin } = headers;
  if (origin === undefined) {
    // Browsers always say it; programs show their token in a header no page can set.
    return headers.authorization === undefined
      ? refused(403, 'a socket must say its origin, or show a token in its authorization header')
      : undefined;
  }
  const own = /^https?:\/\/([^/?#\s]+)$/.exec(origin)?.[1]?.toLowerCase();
  if (own === undefined || own !== headers.host?.toLowerCase() || !isOwnHost(own, hosts)) {
    return refused(403, 'sockets of other origins are refused');
  }
  return undefined;
}

/** The default ports are left out by browsers. */
function isOwnHost(host: string | undefined, hosts: readonly string[]): boolean {
  return host !== undefined && hosts.includes(host.toLowerCase());
}

/** 256 random bits. */
export function makeToken(): string {
  return randomBytes(32).toString('base64url');
}

/** The token a socket shows, in its subprotocols or in its authorization header. */
export function shownToken({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return /^Bearer ([\w-]{1,200})$/.exec(authorization)?.[1];
  const offered = offeredProtocols(headers['sec-websocket-protocol']);
  return offered
    .find((protocol) => protocol.startsWith(TOKEN_SUBPROTOCOL))
    ?.slice(TOKEN_SUBPROTOCOL.length);
}

/** Whether a socket speaks our protocol. */
export function speaksProtocol({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return offeredProtocols(headers['sec-websocket-protocol']).includes(SUBPROTOCOL);
}

function offeredProtocols(header: string | undefined): readonly string[] {
  return (header ?? '').split(',').map((protocol) => protocol.trim());
}

/** Whether two tokens are the same, in a time that tells nothing of either. */
export function sameToken(shown: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(token));
}

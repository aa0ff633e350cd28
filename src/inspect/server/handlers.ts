/** The page and its socket, for whatever kind of server there is. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Assets } from './assets.ts';
import { checkRequest, type Refusal } from './checks.ts';
import { refuse, type Authorize, type Gate } from './gate.ts';
import { securityHeaders } from './headers.ts';

/** What Express, Connect and `node:http` call. */
type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** The parts of Fastify that are used. */
interface FastifyLike {
  readonly server: Server;
  readonly prefix: string;
  all(
    path: string,
    handler: (request: { raw: IncomingMessage }, reply: FastifyReplyLike) => unknown,
  ): unknown;
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

export interface Handlers {
  /** For Express and Connect: `app.use('/inspect', inspector.handler)`. Sockets need `attach`. */
  readonly handler: NodeHandler;
  /** For Fastify: `app.register(inspector.fastify, { prefix: '/inspect' })`. Attaches sockets, too. */
  readonly fastify: (app: FastifyLike, options: unknown, done: (error?: Error) => void) => void;
  /** For servers that speak Fetch. `path` is where it is mounted. Sockets need `attach`. */
  readonly fetch: (request: Request, path: string) => Promise<Response>;
  /** Takes sockets that ask for `<path>live`; all others are left alone. Returns what ends it. */
  readonly attach: (server: Pick<Server, 'on' | 'off'>, path: string) => () => void;
}

interface HandlerParts {
  readonly gate: Gate;
  readonly assets: Assets;
  readonly frameAncestors: readonly string[];
  /** Names by which a request may reach the server. */
  readonly hosts: (request: IncomingMessage | undefined) => readonly string[];
  readonly authorize?: Authorize | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

export function createHandlers({
  gate,
  assets,
  frameAncestors,
  hosts,
  authorize,
}: HandlerParts): Handlers {
  const headers = securityHeaders(frameAncestors);

  function refusal({ status, reason }: Refusal): Answer {
    return {
      status,
      headers: {
        ...headers,
        'content-type': 'text/plain; charset=utf-8',
        ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
      },
      body: reason,
    };
  }

  /** `path` is relative to where the page is mounted, and begins with a slash. */
  async function answer(
    request: Asked,
    known: readonly string[],
    ask: IncomingMessage | Request,
  ): Promise<Answer> {
    const refused = checkRequest({ headers: request.headers }, known);
    if (refused !== undefined) return refusal(refused);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return refusal({ status: 405, reason: 'only GET and HEAD' });
    }
    if (authorize !== undefined && (await authorize(ask)) === false) {
      return refusal({ status: 403, reason: 'not for you' });
    }
    const asset = assets.get(request.path.slice(1));
    if (asset === undefined) return refusal({ status: 404, reason: 'there is no such file' });
    const all = { ...headers, 'content-type': asset.type, etag: asset.etag };
    if (request.headers['if-none-match'] === asset.etag) {
      return { status: 304, headers: all, body: '' };
    }
    return { status: 200, headers: all, body: asset.body };
  }

  async function respond(
    request: IncomingMessage,
    response: ServerResponse,
    target: string,
  ): Promise<void> {
    const { method = '', headers: asked } = request;
    const path = pathOf(target);
    const found =
      path === undefined
        ? refusal({ status: 400, reason: 'this is no address' })
        : await answer({ method, headers: asked, path }, hosts(request), request);
    const { status, headers: told, body } = found;
    response.writeHead(status, {
      ...told,
      'content-length': status === 304 ? 0 : Buffer.byteLength(body),
    });
    response.end(method === 'HEAD' ? undefined : body);
  }

  const handler: NodeHandler = (request, response) => {
    const { url = '/', originalUrl } = request as IncomingMessage & { originalUrl?: string };
    const whole = originalUrl ?? url;
    // Mounted without a slash at its end, the page would look for its files one level too high.
    if (url === '/' && !whole.split('?')[0]?.endsWith('/') && isOwnPath(whole)) {
      redirect(response, `${whole.split('?')[0] ?? ''}/`);
      return;
    }
    respond(request, response, url).catch(() => {
      response.destroy();
    });
  };

  function redirect(response: ServerResponse, to: string): void {
    response.writeHead(308, { ...headers, location: to, 'content-length': 0 });
    response.end();
  }

  function attach(server: Pick<Server, 'on' | 'off'>, path: string): () => void {
    const at = `${path.replace(/\/+$/, '')}/live`;
    const isOnlyUser = path === '/';
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      if (pathOf(request.url ?? '') !== at) {
        if (isOnlyUser) refuse(socket, { status: 404, reason: 'there is no such socket' });
        return;
      }
      void gate.upgrade(request, socket, head, { hosts: hosts(request), authorize });
    };
    server.on('upgrade', onUpgrade);
    return () => {
      server.off('upgrade', onUpgrade);
    };
  }

  return {
    handler,
    attach,
    fastify(app, _options, done) {
      const { prefix } = app;
      const serve = (request: { raw: IncomingMessage }, reply: FastifyReplyLike): void => {
        const { url = '/' } = request.raw;
        reply.hijack();
        const below = url.startsWith(prefix) ? url.slice(prefix.length) : url;
        if (below === '') redirect(reply.raw, `${prefix}/`);
        else {
          respond(request.raw, reply.raw, below).catch(() => {
            reply.raw.destroy();
          });
        }
      };
      app.all('/', serve);
      app.all('/*', serve);
      attach(app.server, prefix);
      done();
    },
    async fetch(request, path) {
      const mount = path.replace(/\/+$/, '');
      const { pathname, host } = new URL(request.url);
      if (pathname === mount) {
        return new Response(null, { status: 308, headers: { ...headers, location: `${mount}/` } });
      }
      const asked = Object.fromEntries(request.headers);
      const allowed = [...hosts(undefined), ...ownHosts(host)];
      const found = await answer(
        {
          method: request.method,
          headers: { ...asked, host: asked['host'] ?? host },
          path: pathname.startsWith(`${mount}/`) ? pathname.slice(mount.length) : ELSEWHERE,
        },
        allowed,
        request,
      );
      const { status, headers: told, body } = found;
      const isBodyless = request.method === 'HEAD' || status === 304;
      return new Response(isBodyless ? null : new Uint8Array(Buffer.from(body)), {
        status,
        headers: told,
      });
    },
  };
}

/** A path at which there is nothing. */
const ELSEWHERE = '/..';

interface Asked {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly path: string;
}

/** Fetch servers do not say on which port they listen: names of this machine are fine on any. */
function ownHosts(host: string): readonly string[] {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host.toLowerCase()) ? [host] : [];
}

/** The path of a request's target; undefined when it is none of ours to read. */
function pathOf(target: string): string | undefined {
  const [path = ''] = target.split(/[?#]/, 1);
  return /^\/(?!\/)[\w./-]*$/.test(path) || path === '/' ? path : undefined;
}

/** Not the beginning of an address elsewhere. */
function isOwnPath(path: string): boolean {
  return /^\/[\w-][\w./-]*(\?|$)/.test(path);
}

/**
 * Serves the built page with a recording, under the content security policy of the inspector's server:
 * what would not work there does not work here either.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { BUILT_PAGE } from './build-page.ts';

export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

const SHELL = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sluice inspector</title>
<link rel="stylesheet" href="./page.css"></head>
<body><div id="inspector"></div><script type="module" src="./replay.js"></script></body></html>`;

const REPLAY = `import { mountInspector, parseRecording, recordingSource } from './inspector.js';
const text = await (await fetch('./recording')).text();
const source = recordingSource(parseRecording(text));
mountInspector(document.getElementById('inspector'), source, { ownsPage: true });`;

export interface Served {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** More texts by path, and more files in a folder: they are served besides those of the page. */
export async function servePage(
  recording: string,
  more: Readonly<Record<string, string>> = {},
  folder = BUILT_PAGE,
): Promise<Served> {
  const texts: Readonly<Record<string, string>> = {
    '/': SHELL,
    '/replay.js': REPLAY,
    '/recording': recording,
    ...more,
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const type = TYPES[extname(pathname)] ?? TYPES['.html'] ?? '';
    response.setHeader('content-type', type);
    response.setHeader('content-security-policy', POLICY);
    const text = texts[pathname];
    if (text !== undefined) {
      response.end(text);
      return;
    }
    const found = readFile(join(folder, pathname)).catch(() =>
      readFile(join(BUILT_PAGE, pathname)),
    );
    found.then(
      (content) => response.end(content),
      () => {
        response.statusCode = 404;
        response.end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

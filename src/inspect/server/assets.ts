/** The page's files, by the path they are asked for: read once, so that no request ever names a file. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** By path below the place where the page is served: `` is the page itself. */
export type Assets = ReadonlyMap<string, Asset>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sluice inspector</title></head><body>
<h1>The inspector's page is not built</h1>
<p>This copy of Sluice was not installed from its package. Run <code>npm run build</code> in it,
then reload this page. The inspector itself is running.</p>
</body></html>
`;

/**
 * Reads the files of the page. Where it has not been built, there is one page that says so.
 * @param folder Default: that of the package.
 */
export function loadAssets(folder = builtPage()): Assets {
  const assets = new Map<string, Asset>();
  const files = folder !== undefined && existsSync(folder) ? list(folder, '') : [];
  for (const path of files) {
    const type = TYPES[extname(path)];
    // Source maps, and whatever else has no type, are not served.
    if (type !== undefined) assets.set(path, asset(readFileSync(join(folder ?? '', path)), type));
  }
  const page = assets.get('index.html') ?? asset(Buffer.from(NOT_BUILT), TYPES['.html'] ?? '');
  assets.set('', page);
  return assets;
}

/** Beside what is built of the sources; the sources themselves have it in `dist`. */
function builtPage(): string | undefined {
  return ['../../../ui/', '../../../dist/ui/']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((folder) => existsSync(join(folder, 'index.html')));
}

function list(folder: string, below: string): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) return list(folder, path);
    return entry.isFile() ? [path] : [];
  });
}

function asset(body: Buffer, type: string): Asset {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 27);
  return { body, type, etag: `"${digest}"` };
}

/** Builds the inspector's page once, before the tests of it: they look at what users get. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** Apart from `dist`, which other tests build meanwhile. */
export const BUILT_PAGE = fileURLToPath(new URL('../../../out/inspector-page', import.meta.url));

export async function setup(): Promise<void> {
  const { NODE_ENV } = process.env;
  await build({
    configFile: fileURLToPath(new URL('../../../vite.page.config.ts', import.meta.url)),
    logLevel: 'warn',
    build: { outDir: BUILT_PAGE },
  });
  // The build sets it for itself.
  if (NODE_ENV !== undefined) process.env['NODE_ENV'] = NODE_ENV;
}

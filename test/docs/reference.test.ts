/** The reference says what the code says: what `npm run docs` would make is what is there. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Application } from 'typedoc';
import { afterAll, expect, test } from 'vitest';
import { drawCharts } from '../../docs/charts.ts';

const root = join(import.meta.dirname, '../..');
const reference = join(root, 'docs/reference');
mkdirSync(join(root, 'out'), { recursive: true });
const fresh = mkdtempSync(join(root, 'out', 'reference-'));

afterAll(() => {
  rmSync(fresh, { recursive: true, force: true });
});

test('the reference is that of these sources; if not, run: npm run docs', async () => {
  const settings = { options: join(root, 'docs/typedoc.json'), logLevel: 'Error' } as const;
  const app = await Application.bootstrapWithPlugins(settings);
  const project = await app.convert();
  if (project === undefined) throw new Error('typedoc has found errors in the sources');
  app.options.setValue('out', fresh);
  await app.generateOutputs(project);
  const written = pagesIn(reference);
  const made = { ...pagesIn(fresh), 'charts.md': drawCharts() };
  expect(Object.keys(written).sort()).toEqual(Object.keys(made).sort());
  const stale = Object.entries(made).filter(([page, text]) => written[page] !== text);
  expect(stale.map(([page]) => page)).toEqual([]);
});

function pagesIn(folder: string): Readonly<Record<string, string>> {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    pages
      .filter((page) => page.endsWith('.md'))
      .map((page) => [page, readFileSync(join(folder, page), 'utf8')]),
  );
}

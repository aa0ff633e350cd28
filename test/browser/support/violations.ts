/** What a checker of accessibility (axe) says of a page. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Rule and element of each violation. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const checker = (window as unknown as { axe: typeof axe }).axe;
    return (await checker.run(document)).violations;
  });
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

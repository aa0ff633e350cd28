/** A page in the browser that keeps account of everything it must not do. */
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';

export interface Visit {
  readonly page: Page;
  /** Errors, policy violations and requests to anywhere else, so far. */
  readonly complaints: readonly string[];
  /** Fails unless nothing was complained of; closes the page. */
  readonly end: () => Promise<void>;
}

export interface VisitOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly reducedMotion?: boolean;
  readonly forcedColors?: boolean;
}

export async function visit(
  browser: Browser,
  url: string,
  options: VisitOptions = {},
): Promise<Visit> {
  const { theme = 'light', width = 1440, height = 900 } = options;
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: theme,
    // Without it the locale of the machine leaks in, and may be one that browsers do not know.
    locale: 'en-US',
    reducedMotion: options.reducedMotion === false ? 'no-preference' : 'reduce',
    forcedColors: options.forcedColors === true ? 'active' : 'none',
  });
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const { host } = new URL(url);
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const target = new URL(request.url());
    if (target.host !== host && target.protocol !== 'data:' && target.protocol !== 'blob:') {
      complaints.push(`request to ${request.url()}`);
    }
  });
  await page.goto(url);
  return {
    page,
    complaints,
    async end() {
      await page.close();
      expect(complaints).toEqual([]);
    },
  };
}

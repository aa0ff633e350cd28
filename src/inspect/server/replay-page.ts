/** A recording as one HTML file, with the page of the package. */
import { RunError } from '../../../machines/errors.ts';
import { replayHtml } from '../export/replay-html.ts';
import type { Recording } from '../recording.ts';
import { loadAssets } from './assets.ts';

/**
 * The text of an HTML file that shows a recording by itself: in any browser, offline, without Sluice.
 * @param ui Folder of the page. Default: that of the package.
 * @throws RunError when the page has not been built.
 */
export function replayPage({ header, events }: Recording, ui?: string): string {
  const assets = loadAssets(ui);
  const script = assets.get('inspector.js')?.body.toString('utf8');
  const layoutWorker = assets.get('elk-worker.min.js')?.body.toString('utf8');
  if (script === undefined || layoutWorker === undefined) {
    throw new RunError("the inspector's page is not built: run npm run build in Sluice's folder");
  }
  return replayHtml({ header, events, script, layoutWorker });
}

/**
 * The inspector as one module, which needs no other but the layout worker: mounts it into an element, and
 * opens what it can show.
 */
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import type { RunSource } from '../run-source.ts';
import type { MountedInspector, MountOptions } from '../view-options.ts';
import { setLayoutWorker } from './layout/layout.ts';
import { Inspector } from './panels/Inspector.tsx';
import styles from './view/styles.css?inline';

export { connectSource } from '../socket-source.ts';
export { parseRecording } from '../recording.ts';
export { recordingSource } from '../recording-source.ts';

/**
 * Shows a run in an element, which should have a height. Styles live in a shadow root: neither side sees
 * the other's.
 */
export function mountInspector(
  element: HTMLElement,
  source: RunSource,
  options: MountOptions = {},
): MountedInspector {
  const { theme = 'auto', ownsPage = false, place, layoutWorker } = options;
  if (layoutWorker !== undefined) setLayoutWorker(layoutWorker);
  const shadow = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  shadow.adoptedStyleSheets = [sheet];
  const container = document.createElement('div');
  container.className = 'container';
  shadow.replaceChildren(container);
  const root = createRoot(container);
  const viewerOptions = { address: ownsPage, ...(place === undefined ? {} : { place }) };
  const render = (shown: typeof theme): void => {
    root.render(createElement(Inspector, { source, viewerOptions, theme: shown, ownsPage }));
  };
  render(theme);
  return {
    setTheme: render,
    unmount() {
      root.unmount();
      shadow.replaceChildren();
    },
  };
}

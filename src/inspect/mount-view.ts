/** Mounts the inspector for whatever is given. It is loaded when it is first needed, not before. */
import { openSource, type Inspected, type OpenOptions } from './open-source.ts';
import type { RunSource } from './run-source.ts';
import type { InspectorTheme, MountedInspector, MountOptions } from './view-options.ts';

export interface MountedView {
  setTheme(theme: InspectorTheme): void;
  /** Takes the inspector out of the page, and closes what was opened for it. */
  unmount(): void;
}

/**
 * Opens and shows. What goes wrong is told to `onError`, and shown in place of the inspector.
 */
export function mountView(
  element: HTMLElement,
  what: Inspected,
  options: MountOptions & OpenOptions,
  onError: (error: unknown) => void,
): MountedView {
  let { theme = 'auto' } = options;
  let isOver = false;
  let source: RunSource | undefined;
  let mounted: MountedInspector | undefined;

  async function mount(): Promise<void> {
    const [{ mountInspector }, opened] = await Promise.all([
      import('#inspector-page'),
      openSource(what, options),
    ]);
    if (isOver) {
      if (opened !== what) opened.close();
      return;
    }
    source = opened;
    mounted = mountInspector(element, opened, { ...options, theme });
  }

  mount().catch((error: unknown) => {
    if (isOver) return;
    element.textContent = error instanceof Error ? error.message : String(error);
    onError(error);
  });

  return {
    setTheme(next) {
      theme = next;
      mounted?.setTheme(next);
    },
    unmount() {
      isOver = true;
      mounted?.unmount();
      // A source of one's own is for its owner to close.
      if (source !== what) source?.close();
    },
  };
}

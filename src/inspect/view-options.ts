/** How an inspector is mounted into a page. */

export type InspectorTheme = 'auto' | 'light' | 'dark';

/** Where in a run to begin. Times are in milliseconds since the run began. */
export interface InspectorPlace {
  readonly tab?: 'pipeline' | 'actors' | 'messages' | 'timeline' | 'metrics' | 'events' | 'runs';
  /** The moment to show. Default: the newest. */
  readonly at?: number;
  readonly range?: { readonly from: number; readonly to: number };
}

export interface MountOptions {
  /** `auto` follows the system. Default: `auto`. */
  readonly theme?: InspectorTheme;
  /** The page is the inspector's: it keeps its place in the address, and takes all keys. Default: false. */
  readonly ownsPage?: boolean;
  readonly place?: InspectorPlace;
  /** Address of the layout worker, when it is not beside the module. */
  readonly layoutWorker?: string;
}

export interface MountedInspector {
  setTheme(theme: InspectorTheme): void;
  unmount(): void;
}

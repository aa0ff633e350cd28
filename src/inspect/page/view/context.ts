/** What every component of the page has at hand. */
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useRef,
  useSyncExternalStore,
} from 'react';
import type { RunModel } from '../../../run-model/index.ts';
import type { Command } from '../../protocol.ts';
import type { RunSource } from '../../run-source.ts';
import type { Place } from './place.ts';
import type { Frame, Viewer } from './viewer.ts';

export interface Opened {
  readonly name: string;
  readonly source: RunSource;
}

interface Surroundings {
  readonly viewer: Viewer;
  readonly theme: 'light' | 'dark';
  readonly setTheme: (theme: 'light' | 'dark') => void;
  /** What is open: the source the inspector was given, and recordings opened since. */
  readonly opened: readonly Opened[];
  /** Shows one of them. */
  readonly show: (source: RunSource) => void;
  /** Opens another one and shows it. */
  readonly add: (opened: Opened) => void;
  /** Says something to whoever looks, and to screen readers. */
  readonly say: (text: string) => void;
}

export const InspectorContext = createContext<Surroundings | undefined>(undefined);

export function useSurroundings(): Surroundings {
  const surroundings = useContext(InspectorContext);
  if (surroundings === undefined) throw new Error('a part of the inspector stands outside of it');
  return surroundings;
}

/** The viewer, and all that is in it now; drawn anew whenever it changes, four times a second at most. */
export function useViewer(): {
  readonly viewer: Viewer;
  readonly source: RunSource;
  readonly model: RunModel;
  readonly place: Place;
} {
  const { viewer } = useSurroundings();
  useSyncExternalStore(viewer.subscribe, () => viewer.version);
  return { viewer, source: viewer.source, model: viewer.model, place: viewer.place };
}

/** Whether whoever looks may change the run, and it is not over. */
export function useCanControl(): boolean {
  const { source } = useViewer();
  return source.rights.control && source.model.end === undefined;
}

export interface MountedDrawing {
  readonly draw: (frame: Frame) => void;
  readonly destroy: () => void;
}

/** Puts a drawing into an element, and draws it with the viewer's frames. */
export function useDrawing<TDrawing extends MountedDrawing>(
  mount: (element: HTMLElement) => TDrawing,
  dependencies: readonly unknown[],
): {
  readonly ref: React.RefObject<HTMLDivElement | null>;
  readonly drawing: React.RefObject<TDrawing | null>;
} {
  const { viewer } = useSurroundings();
  const ref = useRef<HTMLDivElement | null>(null);
  const drawing = useRef<TDrawing | null>(null);
  useEffect(() => {
    if (ref.current === null) return;
    const mounted = mount(ref.current);
    drawing.current = mounted;
    const stop = viewer.onFrame(mounted.draw);
    return () => {
      stop();
      mounted.destroy();
      drawing.current = null;
    };
  }, [viewer, ...dependencies]);
  return { ref, drawing };
}

/** Sends a command; what goes wrong is said. */
export function useCommand(): (command: Command, done?: string) => void {
  const { viewer, say } = useSurroundings();
  return useCallback(
    (command: Command, done?: string) => {
      viewer.source.command(command).then(
        () => {
          if (done !== undefined) say(done);
        },
        (error: unknown) => {
          say(error instanceof Error ? error.message : String(error));
        },
      );
    },
    [viewer, say],
  );
}

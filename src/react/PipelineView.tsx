'use client';
/** The inspector as a component. */
import { useEffect, useRef, type CSSProperties, type ReactNode } from 'react';
import { mountView, type MountedView } from '../inspect/mount-view.ts';
import type { Inspected } from '../inspect/open-source.ts';
import type { InspectorPlace, InspectorTheme } from '../inspect/view-options.ts';

export interface PipelineViewProps {
  /** What to show: a run, the address of an inspector, a recording. */
  readonly source: Inspected;
  /** Default: `auto`, as the system has it. */
  readonly theme?: InspectorTheme;
  /** Where to begin; later changes are not followed. */
  readonly place?: InspectorPlace;
  /** A run of this page may be held, stepped and changed. Default: false. */
  readonly control?: boolean;
  readonly className?: string;
  /** Give it a height, here or by the class. Default: 600 px. */
  readonly style?: CSSProperties;
  /** Gets what kept the source from being shown. */
  readonly onError?: (error: unknown) => void;
}

/** Shows a run, live or recorded. Its styles and the app's do not touch. */
export function PipelineView({
  source,
  theme = 'auto',
  place,
  control = false,
  className,
  style,
  onError,
}: PipelineViewProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<MountedView>(undefined);
  const latest = useRef({ place, theme, onError });
  useEffect(() => {
    latest.current = { place, theme, onError };
  });
  useEffect(() => {
    if (host.current === null) return;
    // React may mount twice; a shadow root cannot be had twice: each mount gets an element of its own.
    const element = document.createElement('div');
    element.style.height = '100%';
    host.current.replaceChildren(element);
    const { place: begin, theme: first } = latest.current;
    const options = { control, theme: first, ...(begin === undefined ? {} : { place: begin }) };
    const mounted = mountView(element, source, options, (error) => latest.current.onError?.(error));
    view.current = mounted;
    return () => {
      view.current = undefined;
      // React does not like another root of its own to end while it renders.
      queueMicrotask(() => {
        mounted.unmount();
      });
    };
  }, [source, control]);
  useEffect(() => {
    view.current?.setTheme(theme);
  }, [theme]);
  const height = className === undefined ? { height: 600 } : {};
  return <div ref={host} className={className} style={{ ...height, ...style }} />;
}

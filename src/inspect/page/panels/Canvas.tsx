/** A drawing that fills its panel: drawn with the viewer's frames, fitted and zoomed with keys. */
import { useEffect, type ReactNode } from 'react';
import { useDrawing, type MountedDrawing } from '../view/context.ts';
import type { PanelActions, PanelProps } from './panel-props.ts';

export interface CanvasProps extends Pick<PanelProps, 'actions'> {
  readonly mount: (element: HTMLElement) => MountedDrawing & Required<PanelActions>;
  /** It is mounted anew when one of them changes. */
  readonly dependencies?: readonly unknown[];
  readonly hidden?: boolean;
  /** What lies over it. */
  readonly children?: ReactNode;
}

export function Canvas({
  actions,
  mount,
  dependencies = [],
  hidden = false,
  children,
}: CanvasProps): ReactNode {
  const { ref, drawing } = useDrawing(mount, dependencies);
  useEffect(() => {
    actions.current = {
      fit: () => drawing.current?.fit(),
      zoom: (factor) => drawing.current?.zoom(factor),
    };
    return () => {
      actions.current = {};
    };
  }, [actions, drawing]);
  return (
    <div className="panel-body canvas">
      <div className="fill" ref={ref} hidden={hidden} />
      {children}
    </div>
  );
}

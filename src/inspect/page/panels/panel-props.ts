/** What the shell and the panel of a tab know of each other. */
import type { RefObject } from 'react';

/** What keys of the shell do to the drawing of a panel. */
export interface PanelActions {
  fit?: () => void;
  zoom?: (factor: number) => void;
}

export interface PanelProps {
  /** Shows the table that says the same as the drawing. */
  readonly asTable: boolean;
  readonly actions: RefObject<PanelActions>;
}

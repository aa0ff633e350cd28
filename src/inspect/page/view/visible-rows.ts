/** Which rows of a long list of equal rows can be seen: only those are rendered. */
import { useEffect, useState, type RefObject } from 'react';

/** Rows rendered above and below what can be seen, so that scrolling shows no gaps. */
const MARGIN = 8;

export interface VisibleRows {
  readonly first: number;
  /** One after the last. */
  readonly end: number;
}

export function useVisibleRows(
  scroller: RefObject<HTMLElement | null>,
  total: number,
  rowHeight: number,
): VisibleRows {
  const [window, setWindow] = useState({ top: 0, height: 0 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const look = (): void => {
      setWindow({ top: element.scrollTop, height: element.clientHeight });
    };
    look();
    const resized = new ResizeObserver(look);
    resized.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [scroller]);
  const first = Math.max(0, Math.floor(window.top / rowHeight) - MARGIN);
  const end = Math.min(total, Math.ceil((window.top + window.height) / rowHeight) + MARGIN);
  return { first: Math.min(first, end), end };
}

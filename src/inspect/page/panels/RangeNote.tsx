/** Says that only a part of the time is shown, and takes it back. */
import type { ReactNode } from 'react';
import { useViewer } from '../view/context.ts';
import { clock } from '../view/format.ts';

export function RangeNote(): ReactNode {
  const { viewer, place } = useViewer();
  const { range } = place;
  if (range === undefined) return null;
  return (
    <span className="badge">
      {clock(range.from)} – {clock(range.to)}
      <button
        type="button"
        className="link"
        aria-label="Show all of the time"
        onClick={() => {
          viewer.go({ range: undefined });
        }}
      >
        ✕
      </button>
    </span>
  );
}

/** The detail of what is selected, beside the tab. */
import { useEffect, useRef, type ReactNode } from 'react';
import { operatorNamed } from '../../../run-model/index.ts';
import { useViewer } from '../view/context.ts';
import { plain } from '../view/format.ts';
import { MessageDetail } from './MessageDetail.tsx';
import { OperatorDetail } from './OperatorDetail.tsx';

export function Drawer(): ReactNode {
  const { viewer, model, place } = useViewer();
  const { selection } = place;
  const title = titleOf(selection);
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    ref.current?.scrollTo(0, 0);
  }, [title]);
  if (selection === undefined || selection.kind === 'actor') return null;
  const operator = selection.kind === 'operator' ? operatorNamed(model, selection.name) : undefined;
  return (
    <aside className="drawer" aria-label={`Detail: ${title}`} ref={ref} tabIndex={0}>
      <div className="title">
        <h2>{title}</h2>
        <button
          type="button"
          aria-label="Close detail (Esc)"
          title="Close (Esc)"
          onClick={() => {
            viewer.go({ selection: undefined });
          }}
        >
          ✕
        </button>
      </div>
      {selection.kind === 'message' ? <MessageDetail seq={selection.seq} /> : null}
      {operator === undefined ? null : <OperatorDetail operator={operator} />}
      {selection.kind === 'operator' && operator === undefined ? (
        <p className="dim">This run has no operator of that name.</p>
      ) : null}
    </aside>
  );
}

function titleOf(selection: ReturnType<typeof useViewer>['place']['selection']): string {
  switch (selection?.kind) {
    case 'operator':
      return plain(selection.name);
    case 'message':
      return `Message ${String(selection.seq)}`;
    default:
      return '';
  }
}

/** Keys, and what the signs mean. */
import { useEffect, useRef, type ReactNode } from 'react';
import { LOOKS } from '../view/state-look.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['1 – 7', 'the tabs, from left to right'],
  ['/', 'search in the tab'],
  ['Space', 'hold the run, or resume it'],
  ['.', 'step one cycle'],
  [',', 'one moment back'],
  ['[  ]', 'previous, next keyframe'],
  ['L', 'go live'],
  ['B', 'breakpoints'],
  ['R', 'record into a file; again: save it'],
  ['arrows', 'walk along the edges of the graph'],
  ['Enter', 'detail of what has the focus'],
  ['Esc', 'close the detail'],
  ['F', 'fit the drawing into the window'],
  ['+  −', 'zoom'],
  ['T', 'the drawing as a table, and back'],
  ['?', 'this page'],
];

export function Help({
  isOpen,
  onClose,
}: {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} aria-label="Help and keys" onClose={onClose}>
      <h2>Keys</h2>
      <dl className="facts keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <h3>States</h3>
      <ul className="legend">
        {Object.values(LOOKS).map(({ look, glyph, meaning }) => (
          <li key={look} className={`state-${look}`}>
            <span className="glyph" aria-hidden="true">
              {glyph}
            </span>
            <strong>{look}</strong>: {meaning}
          </li>
        ))}
      </ul>
      <div className="row end">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </dialog>
  );
}

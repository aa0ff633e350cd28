/** Small parts that panels are made of. */
import type { ReactNode } from 'react';
import type { OperatorLook } from '../../../run-model/index.ts';
import { LOOKS } from '../view/state-look.ts';

/** A state: glyph, border, word and colour. `word` is shown when it is another than the look's name. */
export function StateBadge({
  look,
  word,
}: {
  readonly look: OperatorLook;
  readonly word?: string;
}): ReactNode {
  const { glyph, meaning } = LOOKS[look];
  return (
    <span className={`badge state-${look}`} title={meaning}>
      <span aria-hidden="true">{glyph}</span>
      {word ?? look}
    </span>
  );
}

/** A bar from 0 to `total`, in segments. */
export function Gauge({
  label,
  value,
  total,
  text,
  segments,
}: {
  readonly label: string;
  readonly value: number;
  readonly total: number;
  readonly text: string;
  readonly segments?: readonly { readonly name: string; readonly value: number }[];
}): ReactNode {
  const part = total > 0 ? Math.min(1, value / total) : 0;
  const level = part > 0.95 ? 'hot' : part > 0.8 ? 'warm' : '';
  const pieces =
    segments === undefined || segments.length === 0 ? [{ name: label, value }] : segments;
  return (
    <div className="gauge">
      <span className="dim">{label}</span>
      <div
        className="bar"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={Math.min(value, total)}
        aria-valuetext={text}
      >
        {pieces.map(({ name, value: piece }) => (
          <span
            key={name}
            className={level}
            title={name}
            style={{ width: `${String(total > 0 ? Math.min(100, (100 * piece) / total) : 0)}%` }}
          />
        ))}
      </div>
      <span>{text}</span>
    </div>
  );
}

/** What to do where there is nothing to see. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <div className="empty" role="note">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

export interface Column<TRow> {
  readonly name: string;
  readonly numeric?: boolean;
  readonly cell: (row: TRow) => ReactNode;
}

/** The table that says what a drawing shows. */
export function Twin<TRow>({
  caption,
  columns,
  rows,
  keyOf,
}: {
  readonly caption: string;
  readonly columns: readonly Column<TRow>[];
  readonly rows: readonly TRow[];
  readonly keyOf: (row: TRow) => string | number;
}): ReactNode {
  return (
    <div className="panel-body" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, numeric }) => (
              <th key={name} scope="col" className={numeric === true ? 'num' : ''}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, numeric, cell }) => (
                <td key={name} className={numeric === true ? 'num' : ''}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/**
 * Where somebody looks: tab, moment, selection, range. It lives in the address of the page, so that every
 * view can be linked to and Back works; embedded, it lives in memory.
 */

export const TABS = [
  'pipeline',
  'actors',
  'messages',
  'timeline',
  'metrics',
  'events',
  'runs',
] as const;

export type Tab = (typeof TABS)[number];

/** Milliseconds since the run began. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type Selection =
  | { readonly kind: 'operator'; readonly name: string }
  | { readonly kind: 'actor'; readonly path: string }
  | { readonly kind: 'message'; readonly seq: number };

export interface Place {
  readonly tab: Tab;
  /** The moment that is shown; undefined follows the live edge. */
  readonly at: number | undefined;
  readonly selection: Selection | undefined;
  readonly range: Span | undefined;
}

export const HOME: Place = {
  tab: 'pipeline',
  at: undefined,
  selection: undefined,
  range: undefined,
};

/** Reads a place from the search part of an address; what is not understood is left out. */
export function readPlace(search: string): Place {
  const query = new URLSearchParams(search);
  const tab = TABS.find((name) => name === query.get('tab')) ?? 'pipeline';
  return {
    tab,
    at: readNumber(query.get('t')),
    selection: readSelection(query.get('sel')),
    range: readSpan(query.get('range')),
  };
}

/** The search part of an address for a place: empty for home. Other parameters are kept. */
export function writePlace(place: Place, search: string): string {
  const query = new URLSearchParams(search);
  const { tab, at, selection, range } = place;
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) query.delete(name);
    else query.set(name, value);
  };
  set('tab', tab === 'pipeline' ? undefined : tab);
  set('t', at === undefined ? undefined : String(Math.round(at)));
  set('sel', selection === undefined ? undefined : selectionText(selection));
  set(
    'range',
    range === undefined
      ? undefined
      : `${String(Math.round(range.from))}-${String(Math.round(range.to))}`,
  );
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function selectionText(selection: Selection): string {
  switch (selection.kind) {
    case 'operator':
      return `operator:${selection.name}`;
    case 'actor':
      return `actor:${selection.path}`;
    case 'message':
      return `message:${String(selection.seq)}`;
  }
}

function readSelection(text: string | null): Selection | undefined {
  const [, kind, rest] = /^(operator|actor|message):(.+)$/s.exec(text ?? '') ?? [];
  if (kind === undefined || rest === undefined) return undefined;
  if (kind === 'operator') return { kind, name: rest };
  if (kind === 'actor') return { kind, path: rest };
  const seq = readNumber(rest);
  return seq === undefined ? undefined : { kind: 'message', seq };
}

function readSpan(text: string | null): Span | undefined {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text ?? '') ?? [];
  if (from === undefined || to === undefined || Number(to) <= Number(from)) return undefined;
  return { from: Number(from), to: Number(to) };
}

function readNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

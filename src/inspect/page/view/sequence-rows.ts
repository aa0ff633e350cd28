/** Which messages the sequence diagram shows, between which lifelines. */
import { pathParts, type RunModel } from '../../../run-model/index.ts';
import type { SequenceRow } from '../drawing/sequence.ts';
import type { Span } from './place.ts';

export interface MessageFilter {
  /** Part of a type or of an actor's name. */
  readonly text: string;
  /** Tasks are drawn as part of their operator. */
  readonly foldTasks: boolean;
  /** Operators, tasks and the like only: no clock, store, outlet or runner. */
  readonly hideHands: boolean;
  /** Only messages of this actor. */
  readonly actor: string | undefined;
  readonly range: Span | undefined;
}

/** The hands of a run: actors without a statechart, which messages to the world go through. */
export function isHand(model: RunModel, path: string): boolean {
  return model.actors[path]?.state === '';
}

export function sequenceRows(
  model: RunModel,
  filter: MessageFilter,
): { readonly lifelines: readonly string[]; readonly rows: readonly SequenceRow[] } {
  const { text, foldTasks, hideHands, actor, range } = filter;
  const wanted = text.trim().toLowerCase();
  const lineOf = (path: string): string => {
    if (!foldTasks || model.actors[path]?.machine !== 'task') return path;
    return pathParts(path).parent ?? path;
  };
  const rows: (Omit<SequenceRow, 'from' | 'to' | 'seqs'> & {
    seqs: number[];
    from: string | undefined;
    to: string;
  })[] = [];
  const used = new Set<string>();
  for (const entry of model.history.messages.entries) {
    const { seq, at, from, to, type, refs } = entry;
    if (range !== undefined && (at < range.from || at > range.to)) continue;
    if (hideHands && (isHand(model, to) || (from !== undefined && isHand(model, from)))) continue;
    if (wanted !== '' && !`${type} ${from ?? ''} ${to}`.toLowerCase().includes(wanted)) continue;
    const [source, target] = [from === undefined ? undefined : lineOf(from), lineOf(to)];
    if (actor !== undefined && source !== actor && target !== actor) continue;
    const last = rows.at(-1);
    const isSame = last?.from === source && last?.to === target && last.type === type;
    if (isSame) {
      last.seqs.push(seq);
      rows[rows.length - 1] = { ...last, refs: last.refs + refs };
      continue;
    }
    if (source !== undefined) used.add(source);
    used.add(target);
    rows.push({ seq, at, from: source, to: target, type, seqs: [seq], refs });
  }
  // Lifelines stand in the order of the tree, so that they do not move when a new message comes.
  const order = Object.keys(model.actors).filter((path) => used.has(path));
  const paths = [...order, ...[...used].filter((path) => !(path in model.actors))];
  const index = new Map(paths.map((path, place) => [path, place]));
  return {
    lifelines: paths.map((path) => nameOf(path, paths)),
    rows: rows.map((row) => ({
      ...row,
      from: row.from === undefined ? -1 : (index.get(row.from) ?? -1),
      to: index.get(row.to) ?? 0,
    })),
  };
}

/** The actor's id; with its parent's when another lifeline has the same. */
function nameOf(path: string, paths: readonly string[]): string {
  const { id, parent } = pathParts(path);
  const isUnique = paths.filter((other) => pathParts(other).id === id).length === 1;
  return isUnique || parent === undefined ? id : `${pathParts(parent).id} / ${id}`;
}

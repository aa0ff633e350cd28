/** One card is reached with Tab; arrows walk along the lines, and among neighbours. */
import type { GraphShape } from '../../view/folding.ts';
import { attribute } from '../svg.ts';
import type { OperatorCard } from './card.ts';

/** `cards` are those of the boxes, in their order; `pick` is called with the index of a box. */
export function walkWithKeys(
  { nodes, links }: GraphShape,
  cards: readonly (OperatorCard | undefined)[],
  pick: (box: number) => void,
): void {
  const after = (box: number): number[] =>
    links.flatMap(({ from, to }) => (from === box && to >= 0 ? [to] : []));
  const before = (box: number): number[] =>
    links.flatMap(({ from, to }) => (to === box ? [from] : []));
  const siblings = (box: number): number[] => {
    const beside = [...before(box).flatMap(after), ...after(box).flatMap(before)];
    const set = [...new Set(beside.length === 0 ? nodes.keys() : beside)];
    return set.sort((a, b) => a - b);
  };

  function focus(box: number | undefined): void {
    const card = cards[box ?? -1];
    if (card === undefined) return;
    for (const other of cards) if (other !== undefined) attribute(other.button, 'tabindex', -1);
    attribute(card.button, 'tabindex', 0);
    card.button.focus();
  }

  cards.forEach((card, box) => {
    if (card === undefined) return;
    if (box === 0) attribute(card.button, 'tabindex', 0);
    card.button.addEventListener('keydown', (event) => {
      const beside = siblings(box);
      const place = beside.indexOf(box);
      const targets: Partial<Record<string, number | undefined>> = {
        ArrowRight: after(box)[0],
        ArrowLeft: before(box)[0],
        ArrowDown: beside[place + 1],
        ArrowUp: beside[place - 1],
      };
      if (event.key === 'Enter' || event.key === ' ') pick(box);
      else if (event.key in targets) focus(targets[event.key]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  });
}

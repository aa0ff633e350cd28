/** The functions of the stages, and what they should yield: the oracle is these, applied in a row. */
import type { SimulationCase, StageCase } from './case.ts';
import { chance } from './random.ts';

export function mapRow(row: number, { constant }: StageCase): number {
  return (row * 7 + constant) % 1009;
}

export function keepsRow(row: number, { constant }: StageCase): boolean {
  return (row + constant) % 4 !== 0;
}

export function copies(row: number, { constant }: StageCase): number[] {
  return Array.from({ length: (row + constant) % 3 }, (_, copy) => (row + copy) % 1009);
}

export function pairUp(left: number, right: number): number {
  return (left * 31 + right) % 1009;
}

/** Whether the function of a stage fails on a row, whenever it is tried. */
export function isBadRow(row: number, index: number, stage: StageCase): boolean {
  return (
    stage.faults.badRows > 0 && chance('row', index, row, stage.constant) < stage.faults.badRows
  );
}

/** What comes out of every stage when nothing goes wrong, by sequential code of a few lines. */
export function oracle({ sources, stages }: SimulationCase): number[] {
  const outputs: number[][] = [];
  const used = new Set<number>();
  const outputOf = (input: number): number[] => {
    used.add(input);
    return input < 0 ? (sources[-input - 1] ?? []).flat() : (outputs[input] ?? []);
  };
  for (const stage of stages) {
    const inputs = stage.inputs.map(outputOf);
    const rows = inputs.flat();
    switch (stage.kind) {
      case 'map':
      case 'chunks':
        outputs.push(rows.map((row) => mapRow(row, stage)));
        break;
      case 'filter':
        outputs.push(rows.filter((row) => keepsRow(row, stage)));
        break;
      case 'flatMap':
        outputs.push(rows.flatMap((row) => copies(row, stage)));
        break;
      case 'batch':
        outputs.push(rows);
        break;
      case 'limit':
        outputs.push(rows.slice(0, limitOf(stage)));
        break;
      case 'zip': {
        const [left = [], right = []] = inputs;
        const length = Math.min(left.length, right.length);
        outputs.push(left.slice(0, length).map((row, index) => pairUp(row, right[index] ?? 0)));
        break;
      }
    }
  }
  return unusedOutputs(stages.length, used).flatMap((index) => outputs[index] ?? []);
}

/** The stages nobody reads from: their outputs are what leaves the pipeline. */
export function unusedOutputs(count: number, used: ReadonlySet<number>): number[] {
  return Array.from({ length: count }, (_, index) => index).filter((index) => !used.has(index));
}

export function limitOf({ constant }: StageCase): number {
  return constant * 2 - 2;
}

/** Work of the processor that cannot be optimised away. */

export function burn(steps: number): number {
  let state = steps | 1;
  for (let step = 0; step < steps; step++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}

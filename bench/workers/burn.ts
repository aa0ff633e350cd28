/** Work of the processor that cannot be optimised away: one unit takes about a microsecond. */

export function burn(units: number): number {
  let state = units | 1;
  for (let step = 0; step < units * 400; step++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}

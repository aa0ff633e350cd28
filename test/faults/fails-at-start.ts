/** A module that fails while it is loaded, and one whose setup fails. */
export const fails = {
  setup(): never {
    throw new TypeError('no model');
  },
  transform(rows: readonly number[]): number[] {
    return [...rows];
  },
};

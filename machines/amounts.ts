/**
 * Amounts of resources. A resource is any name ('cpu', 'memory', 'gpu', 'openai-requests'); an amount
 * is kept in whole thousandths, so that three times 0.1 fits in 0.3 and nothing drifts over a run.
 */

/** How much of each resource, in whole thousandths. A resource that is not named is 0. */
export type Amounts = Readonly<Record<string, number>>;

/** Turns user units into thousandths. */
export function toMilli(amount: number): number {
  return Math.round(amount * 1000);
}

/** Turns thousandths into user units. */
export function fromMilli(milli: number): number {
  return milli / 1000;
}

/** Turns a record of user units into one of thousandths. */
export function amounts(units: Readonly<Record<string, number>>): Amounts {
  return Object.fromEntries(Object.entries(units).map(([name, amount]) => [name, toMilli(amount)]));
}

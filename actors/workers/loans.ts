/** What of the inputs of a run lies in shared memory, and is to be given back when its worker is done. */
import type { Loan } from '../lender.ts';

export class Loans {
  /** By input. */
  #left: (Loan | undefined)[] = [];

  add(loan: Loan | undefined): void {
    this.#left.push(loan);
  }

  /** The worker is done with the next so many inputs. */
  settle(inputs: number): void {
    for (const loan of this.#left.splice(0, inputs)) loan?.giveBack();
  }

  /** The worker is done with all of them, or is gone. */
  settleAll(): void {
    this.settle(this.#left.length);
  }
}

/** What is shown, to take away. */
import type { ReactNode } from 'react';

export function Exports(): ReactNode {
  return null;
}

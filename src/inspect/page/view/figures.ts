/** How the split of an operator's time and its limits are shown, in groups and in words. */
import { sharesAt, type OperatorModel } from '../../../run-model/index.ts';

/** What kinds of time there are, in the order in which they are drawn. */
export const SHARE_KINDS = ['running', 'limit', 'downstream', 'starved'] as const;

export type ShareKind = (typeof SHARE_KINDS)[number];

export const SHARE_WORDS: Readonly<Record<ShareKind, string>> = {
  running: 'running',
  limit: 'blocked by a limit',
  downstream: 'blocked by what follows',
  starved: 'starved (no input)',
};

export function shareKind(doing: string): ShareKind {
  if (doing === 'running') return 'running';
  if (doing === 'starved' || doing === 'dispatch') return 'starved';
  return doing === 'queue' || doing === 'demand' ? 'downstream' : 'limit';
}

/** Percent of an operator's time by kind; adds up to 100. */
export function shareSums(
  operator: OperatorModel,
  at: number,
): Readonly<Record<ShareKind, number>> {
  const sums = { running: 0, limit: 0, downstream: 0, starved: 0 };
  for (const [doing, percent] of Object.entries(sharesAt(operator, at))) {
    sums[shareKind(doing)] += percent;
  }
  return sums;
}

/** What a limit is in words, after "waits for". */
export function limitInWords(limit: string): string {
  switch (limit) {
    case 'queue':
      return 'room in the queue behind it';
    case 'demand':
      return 'the consumer to take more';
    case 'blockBytes':
      return 'room in blockBytes';
    case 'maxConcurrency':
      return 'its own maxConcurrency';
    default:
      return limit;
  }
}

/** What a part of the time is called. */
export function doingInWords(doing: string): string {
  switch (doing) {
    case 'running':
      return 'running';
    case 'starved':
      return 'starved: no input';
    case 'dispatch':
      return 'between two cycles';
    case 'queue':
      return 'blocked: the queue behind it is full';
    case 'demand':
      return 'blocked: the consumer takes no more';
    case 'over':
      return 'over';
    default:
      return `blocked by ${doing}`;
  }
}

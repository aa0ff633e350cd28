/** A naive Bayes classifier over the words of a mail: counted once, then a sum of logarithms. */
import { statefulTransform } from '../../src/workers/stateful-transform.ts';
import type { Mail } from './mail.ts';

/** In how many mails of each kind a word is. */
export interface Knowledge {
  readonly spamMails: number;
  readonly hamMails: number;
  readonly words: ReadonlyMap<string, { readonly spam: number; readonly ham: number }>;
}

export interface Verdict {
  readonly path: string;
  readonly subject: string;
  readonly language: string;
  readonly isSpam: boolean;
  /** What the classifier says. */
  readonly judgedSpam: boolean;
}

export function learn(mails: readonly Mail[]): Knowledge {
  const words = new Map<string, { spam: number; ham: number }>();
  let spamMails = 0;
  for (const mail of mails) {
    if (mail.isSpam) spamMails += 1;
    for (const word of mail.words) {
      const counts = words.get(word) ?? { spam: 0, ham: 0 };
      counts[mail.isSpam ? 'spam' : 'ham'] += 1;
      words.set(word, counts);
    }
  }
  return { spamMails, hamMails: mails.length - spamMails, words };
}

/** Each worker gets what was learnt once, and works out the weights of the words from it. */
export const classify = statefulTransform({
  setup: ({ spamMails, hamMails, words }: Knowledge) => ({
    prior: Math.log(spamMails / hamMails),
    weights: new Map(
      [...words].map(([word, { spam, ham }]) => [
        word,
        // One more of each, so that a word seen in one kind only is no proof.
        Math.log((spam + 1) / (spamMails + 2)) - Math.log((ham + 1) / (hamMails + 2)),
      ]),
    ),
  }),
  transform(mails: readonly Mail[], { state: { prior, weights } }): Verdict[] {
    return mails.map(({ words, path, subject, language, isSpam }) => {
      const weight = words.reduce((sum, word) => sum + (weights.get(word) ?? 0), prior);
      return { path, subject, language, isSpam, judgedSpam: weight > 0 };
    });
  },
});

/** What becomes of a mail, in worker threads: read, parsed, its language told, its words counted. */
import { readFile } from 'node:fs/promises';
import { eld } from 'eld/medium';
import PostalMime from 'postal-mime';
import model from 'wink-eng-lite-web-model';
import winkNLP from 'wink-nlp';
import { statefulTransform } from '../../src/workers/stateful-transform.ts';

export interface MailFile {
  readonly path: string;
  readonly isSpam: boolean;
}

export interface Mail extends MailFile {
  readonly subject: string;
  /** Code of the language, as `en`; empty when it could not be told. */
  readonly language: string;
  /** Its words, each once. */
  readonly words: readonly string[];
}

/** What follows so many letters says little that is new. */
const MAX_LETTERS = 4000;

/** Loads the language model once for each worker, and reads one mail after the other. */
export const readMail = statefulTransform({
  setup: () => winkNLP(model, []),
  async transform(file: MailFile, { state: nlp }): Promise<Mail> {
    const mail = await PostalMime.parse(await readFile(file.path));
    const subject = mail.subject ?? '';
    const body = mail.text ?? (mail.html ?? '').replace(/<[^>]*>/g, ' ');
    const text = `${subject}\n${body}`.slice(0, MAX_LETTERS);
    const tokens = nlp.readDoc(text).tokens().out();
    const words = new Set(tokens.map((token) => token.toLowerCase()).filter(isWord));
    return { ...file, subject, language: eld.detect(text).language, words: [...words] };
  },
});

function isWord(token: string): boolean {
  return /^[a-z]{2,20}$/.test(token);
}

/** Whether whoever started the process wants its runs to be shown: `SLUICE_INSPECT`. */
import { OptionError } from '../../machines/errors.ts';

/** Variables of the process, where there is one: a browser has none. */
interface Surroundings {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/**
 * `1` asks to look, `control` to control as well; nothing, an empty text or `0` ask for nothing.
 * @throws OptionError when it is anything else: a mistake should not go unseen, nor give rights.
 */
export function inspectionAsked(): { readonly control: boolean } | undefined {
  const asked = (globalThis as Surroundings).process?.env?.['SLUICE_INSPECT'] ?? '';
  switch (asked) {
    case '':
    case '0':
      return undefined;
    case '1':
      return { control: false };
    case 'control':
      return { control: true };
    default:
      throw new OptionError('SLUICE_INSPECT', 'SLUICE_INSPECT must be 1, control, 0 or empty');
  }
}

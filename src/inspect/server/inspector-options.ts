/** Checks the options of an inspector. */
import { OptionError } from '../../../machines/errors.ts';
import { checkCount, checkNames } from '../../options.ts';

const COMMON = [
  ...['control', 'allowedHosts', 'values', 'frameAncestors', 'ui', 'resumeAfterMs'],
  ...['maxBytes', 'compact', 'redact', 'maxDepth', 'maxEntries', 'maxText', 'maxValues'],
];
const LISTENING = ['port', 'host'];
const MOUNTED = ['authorize'];

/** @throws OptionError that names the option and says what it must be. */
export function checkInspectorOptions(options: object, isMounted: boolean): void {
  checkNames('options', options, [...COMMON, ...(isMounted ? MOUNTED : LISTENING)]);
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of ['control', 'values', 'compact']) {
    expect(name, given[name], 'true or false', (value) => typeof value === 'boolean');
  }
  for (const name of [
    'resumeAfterMs',
    'maxBytes',
    'maxDepth',
    'maxEntries',
    'maxText',
    'maxValues',
  ]) {
    checkCount(name, given[name], 0);
  }
  expect('port', given['port'], 'a port, from 0 to 65535', isPort);
  expect('host', given['host'], 'a name or an address', (value) => typeof value === 'string');
  expect('ui', given['ui'], 'a folder', (value) => typeof value === 'string');
  expect('authorize', given['authorize'], 'a function', (value) => typeof value === 'function');
  expect('redact', given['redact'], 'a function, or false', (value) => {
    return typeof value === 'function' || value === false;
  });
  expect(
    'allowedHosts',
    given['allowedHosts'],
    'a list of names with their ports, like build.example.org:8080',
    (value) => isList(value, /^[\w.:[\]-]+$/),
  );
  expect(
    'frameAncestors',
    given['frameAncestors'],
    'a list of origins, like https://example.org',
    (value) => isList(value, /^https?:\/\/[\w.:[\]-]+$/),
  );
  const host = (given['host'] as string | undefined) ?? '127.0.0.1';
  if (!['127.0.0.1', '::1', 'localhost'].includes(host)) {
    if ((given['allowedHosts'] as readonly string[] | undefined)?.length === undefined) {
      throw new OptionError(
        'host',
        `host "${host}" can be reached from other machines: say in allowedHosts by which names`,
      );
    }
    process.emitWarning(
      `the inspector listens on ${host}: whoever gets its address can see the run from other machines`,
      'SluiceInspectorWarning',
    );
  }
}

function expect(
  name: string,
  value: unknown,
  wanted: string,
  check: (value: unknown) => boolean,
): void {
  if (value === undefined || check(value)) return;
  throw new OptionError(name, `option "${name}" must be ${wanted}`);
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}

function isList(value: unknown, pattern: RegExp): boolean {
  return (
    Array.isArray(value) && value.every((item) => typeof item === 'string' && pattern.test(item))
  );
}

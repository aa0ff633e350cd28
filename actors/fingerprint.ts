/**
 * A number that tells blocks apart by what is in them: two blocks of the same values have the same one.
 * Not a checksum of bytes: V8 keeps and writes one number in several ways, depending on its history.
 */
import type { Block } from './block.ts';
import { ColumnBlock } from './columns/column-block.ts';
import { arraysOf, bytesOfData, copyData, type ColumnData } from './columns/column-data.ts';
import { typeText } from './columns/column-types.ts';

/** 32 bits, of kind, shape and all values. */
export function fingerprint(block: Block<unknown>): number {
  const hash = createHash();
  if (block instanceof ColumnBlock) {
    const { numRows, isPlain, columns } = block.toMessage();
    hash.word(numRows);
    hash.word(isPlain ? 1 : 0);
    for (const [name, data] of columns) {
      hash.text(name);
      hashColumn(hash, data);
    }
  } else hashValue(hash, block.rows);
  return hash.value();
}

interface Hash {
  readonly word: (word: number) => void;
  readonly number: (number: number) => void;
  readonly text: (text: string) => void;
  readonly bytes: (bytes: ArrayBufferView) => void;
  readonly value: () => number;
}

/** The rounds of MurmurHash3, word by word. */
function createHash(): Hash {
  let state = 0;
  let words = 0;
  const double = new Float64Array(1);
  const halves = new Uint32Array(double.buffer);

  function word(next: number): void {
    let mixed = Math.imul(next, 0xcc9e2d51);
    mixed = (mixed << 15) | (mixed >>> 17);
    state ^= Math.imul(mixed, 0x1b873593);
    state = (state << 13) | (state >>> 19);
    state = (Math.imul(state, 5) + 0xe6546b64) | 0;
    words += 1;
  }

  return {
    word,
    number(value) {
      double[0] = value;
      word(halves[0] ?? 0);
      word(halves[1] ?? 0);
    },
    text(text) {
      word(text.length);
      const { length } = text;
      for (let at = 0; at < length; at += 2) {
        // Past the end of a text of odd length there is no character, which counts as none here.
        word(text.charCodeAt(at) | (at + 1 < length ? text.charCodeAt(at + 1) << 16 : 0));
      }
    },
    bytes({ buffer, byteOffset, byteLength }) {
      word(byteLength);
      const whole = byteOffset % 4 === 0 ? byteLength >> 2 : 0;
      const many = new Int32Array(buffer, byteOffset - (byteOffset % 4), whole);
      for (let at = 0; at < whole; at++) word(many[at] ?? 0);
      const rest = new Uint8Array(buffer, byteOffset + 4 * whole, byteLength - 4 * whole);
      for (const byte of rest) word(byte);
    },
    value() {
      let mixed = state ^ words;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return (mixed ^ (mixed >>> 16)) >>> 0;
    },
  };
}

function hashColumn(hash: Hash, data: ColumnData): void {
  const bytes = arraysOf(data).reduce((sum, { byteLength }) => sum + byteLength, 0);
  // A part of something larger: the rest is no part of its values, nor is where in it the part begins.
  const isShifted = data.bitOffset > 0 && (data.type === 'bool' || data.validity !== undefined);
  const own = isShifted || bytes > bytesOfData(data) ? copyData(data) : data;
  hash.text(typeText(own.type));
  for (const array of arraysOf(own)) hash.bytes(array);
}

/** A stack of our own: rows may be nested deeply. What is left is hashed from the last one on. */
function hashValue(hash: Hash, value: unknown): void {
  const seen = new Set<object>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    switch (typeof next) {
      case 'number':
        hash.word(1);
        hash.number(next);
        break;
      case 'string':
        hash.word(2);
        hash.text(next);
        break;
      case 'boolean':
        hash.word(next ? 3 : 4);
        break;
      case 'bigint':
        hash.word(5);
        hash.text(next.toString());
        break;
      case 'object':
        if (next === null) hash.word(6);
        else if (seen.has(next)) hash.word(15);
        else {
          seen.add(next);
          hashObject(hash, next, left);
        }
        break;
      default:
        hash.word(7);
    }
  }
}

function hashObject(hash: Hash, value: object, left: unknown[]): void {
  if (ArrayBuffer.isView(value)) {
    hash.text(value.constructor.name);
    hash.bytes(value);
  } else if (value instanceof ArrayBuffer) {
    hash.word(8);
    hash.bytes(new Uint8Array(value));
  } else if (value instanceof Date) {
    hash.word(9);
    hash.number(value.getTime());
  } else if (Array.isArray(value)) {
    hash.word(10);
    hash.word(value.length);
    for (const item of value) left.push(item);
  } else if (value instanceof Map) {
    hash.word(11);
    hash.word(value.size);
    for (const [key, inner] of value) left.push(key, inner);
  } else if (value instanceof Set) {
    hash.word(12);
    hash.word(value.size);
    for (const inner of value) left.push(inner);
  } else {
    hash.word(13);
    for (const key in value) {
      hash.text(key);
      left.push((value as Readonly<Record<string, unknown>>)[key]);
    }
    hash.word(14);
  }
}

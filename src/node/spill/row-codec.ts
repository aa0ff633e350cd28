/**
 * Rows as bytes and back, by structured cloning. Only rows that come back as they were are taken: what
 * cloning would change, an instance of a class for instance, is refused.
 */
import { Deserializer, Serializer } from 'node:v8';

/** Views on binary data, by number. A `Buffer` stays one. */
const VIEWS = [
  Buffer,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;

class RowSerializer extends Serializer {
  constructor() {
    super();
    (this as unknown as HostObjects)._setTreatArrayBufferViewsAsHostObjects(true);
  }

  /** Called by `writeValue` for each view: only the part that it shows is written. */
  _writeHostObject(view: ArrayBufferView): void {
    this.writeUint32(VIEWS.findIndex((View) => view.constructor === View));
    this.writeUint32(view.byteLength);
    this.writeRawBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }
}

class RowDeserializer extends Deserializer {
  /** Called by `readValue` for each view: it gets memory of its own, as it had before. */
  _readHostObject(): ArrayBufferView {
    const View = VIEWS[this.readUint32()] ?? Uint8Array;
    const bytes = new Uint8Array(this.readRawBytes(this.readUint32()));
    if (View === Buffer) return Buffer.from(bytes.buffer);
    return new (View as new (buffer: ArrayBuffer) => ArrayBufferView)(bytes.buffer);
  }
}

interface HostObjects {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void;
}

/** The bytes of some rows; undefined when they would not come back as they are. */
export function encodeRows(rows: readonly unknown[]): Uint8Array | undefined {
  if (!isData(rows)) return undefined;
  const serializer = new RowSerializer();
  serializer.writeHeader();
  serializer.writeValue(rows);
  return serializer.releaseBuffer();
}

export function decodeRows(bytes: Uint8Array): readonly unknown[] {
  const deserializer = new RowDeserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue() as readonly unknown[];
}

const PLAIN = new Set<unknown>([
  Object.prototype,
  Array.prototype,
  Date.prototype,
  Map.prototype,
  Set.prototype,
  ArrayBuffer.prototype,
  ...VIEWS.map((View): unknown => View.prototype),
]);

/** Whether a value is data all through. A stack of our own: rows may be nested deeply. */
function isData(value: unknown): boolean {
  const seen = new Set<object>();
  const left: object[] = [];
  const mayBeData = (part: unknown): boolean => {
    if (typeof part !== 'object' || part === null) {
      return typeof part !== 'function' && typeof part !== 'symbol';
    }
    if (!seen.has(part)) left.push(part);
    seen.add(part);
    return true;
  };
  if (!mayBeData(value)) return false;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (!PLAIN.has(Object.getPrototypeOf(next))) return false;
    if (ArrayBuffer.isView(next)) {
      // What is shared with others must stay so.
      if (!(next.buffer instanceof ArrayBuffer)) return false;
      continue;
    }
    if (Object.getOwnPropertySymbols(next).length > 0) return false;
    if (!partsOf(next).every(mayBeData)) return false;
  }
  return true;
}

function partsOf(value: object): readonly unknown[] {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return value instanceof Set ? [...value] : Object.values(value);
}

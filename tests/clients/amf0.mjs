/** AMF 0 (Action Message Format, December 2007) as far as RTMP players speak it. */

/** @param {unknown} value @returns {Buffer} */
export function encodeValue(value) {
  if (value === null) return Buffer.from([5]);
  if (value === undefined) return Buffer.from([6]);
  if (typeof value === 'boolean') return Buffer.from([1, value ? 1 : 0]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), encodeName(value)]);
  const entries = Object.entries(/** @type {object} */ (value));
  const parts = entries.flatMap(([name, entry]) => [encodeName(name), encodeValue(entry)]);
  return Buffer.concat([Buffer.from([3]), ...parts, Buffer.from([0, 0, 9])]);
}

/** @param {string} text */
function encodeName(text) {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** @param {unknown[]} values */
export const encodeValues = (...values) => Buffer.concat(values.map(encodeValue));

/** @param {Buffer} bytes @param {number} at @returns {[value: any, next: number]} */
function decodeObject(bytes, at) {
  /** @type {Record<string, unknown>} */
  const object = {};
  let place = at;
  for (;;) {
    const length = bytes.readUInt16BE(place);
    const name = bytes.toString('utf8', place + 2, place + 2 + length);
    place += 2 + length;
    if (name === '' && bytes[place] === 9) return [object, place + 1];
    const [value, next] = decodeValue(bytes, place);
    object[name] = value;
    place = next;
  }
}

/** @param {Buffer} bytes @param {number} at @returns {[value: any, next: number]} */
function decodeValue(bytes, at) {
  switch (bytes[at]) {
    case 0:
      return [bytes.readDoubleBE(at + 1), at + 9];
    case 1:
      return [bytes[at + 1] !== 0, at + 2];
    case 2: {
      const end = at + 3 + bytes.readUInt16BE(at + 1);
      return [bytes.toString('utf8', at + 3, end), end];
    }
    case 3:
      return decodeObject(bytes, at + 1);
    case 5:
    case 6:
      return [null, at + 1];
    case 8:
      return decodeObject(bytes, at + 5);
    default:
      throw new Error(`an AMF value of type ${bytes[at]}`);
  }
}

/** @param {Buffer} bytes @returns {any[]} */
export function decodeValues(bytes) {
  const values = [];
  for (let at = 0; at < bytes.length; ) {
    const [value, next] = decodeValue(bytes, at);
    values.push(value);
    at = next;
  }
  return values;
}

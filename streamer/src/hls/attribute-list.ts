/** A `quoted-string` value; undefined attributes are left out of the list. */
export interface QuotedString {
  quoted: string;
}

export type AttributeValue = string | number | QuotedString | undefined;

/**
 * RFC 8216 §4.2: a quoted-string holds neither line feed, carriage return nor double quote, and knows no escape. What a
 * film's author wrote is changed to fit, so that it can never start an attribute or a line of its own.
 */
export function quoted(text: string): QuotedString {
  // U+0085, U+2028 and U+2029 end lines for some readers too.
  return { quoted: text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').replace(/"/g, "'") };
}

/** RFC 8216 §4.2: `NAME=value` pairs, comma-separated, without white space. */
export function formatAttributes(attributes: Record<string, AttributeValue>): string {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? `"${value.quoted}"` : value}`)
    .join(',');
}

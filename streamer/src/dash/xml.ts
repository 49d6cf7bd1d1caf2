const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text or attribute value. Characters that XML 1.0 §2.2 forbids even as references are replaced by spaces. */
export function escapeXml(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, ' ')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, ' ')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

export interface Element {
  name: string;
  attributes?: Readonly<Record<string, string | number | undefined>>;
  children?: readonly Element[];
  text?: string;
}

/** Attributes that are undefined are left out; values and text are escaped, names must be literals of ours. */
export function formatElement({ name, attributes = {}, children = [], text }: Element, indent = ''): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`)
    .join('');
  if (text !== undefined) return `${indent}<${name}${written}>${escapeXml(text)}</${name}>`;
  if (children.length === 0) return `${indent}<${name}${written}/>`;
  const inner = children.map((child) => formatElement(child, `${indent}  `)).join('\n');
  return `${indent}<${name}${written}>\n${inner}\n${indent}</${name}>`;
}

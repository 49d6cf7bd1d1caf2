/** As much of an attribute as tells where it leads. */
interface Attribute {
  type: string;
  target?: string;
  component?: string;
  components?: readonly string[];
}

export type Attributes = Record<string, Attribute>;

/** Types of which rows may lie behind an attribute; null: of any. */
function targetsOf({ type, target, component, components }: Attribute): readonly string[] | null {
  switch (type) {
    case 'relation':
      return target === undefined ? null : [target];
    case 'component':
      return component === undefined ? [] : [component];
    case 'dynamiczone':
      return components ?? [];
    default:
      return [];
  }
}

/**
 * Whether rows of the type `to` can lie in an answer of rows of `from`, however deep. Files are not followed to what uses
 * them, or everything that has a picture would lead everywhere.
 */
export function leadsTo(attributesOf: (uid: string) => Attributes | null, from: string, to: string): boolean {
  const seen = new Set<string>();
  const waiting = [from];
  for (let uid = waiting.pop(); uid !== undefined; uid = waiting.pop()) {
    if (uid === to) return true;
    if (seen.has(uid)) continue;
    seen.add(uid);
    for (const attribute of Object.values(attributesOf(uid) ?? {})) {
      const targets = targetsOf(attribute);
      if (targets === null) return true;
      waiting.push(...targets);
    }
  }
  return false;
}

import type { ListedText } from '../packager/listed-text';
import type { Element } from './xml';

const ROLES = 'urn:mpeg:dash:role:2011';

/** ISO/IEC 23009-1 §5.8.5.5. */
function rolesOf({ kind, isDefault, isForced }: ListedText): string[] {
  const said = isForced ? ['forced-subtitle'] : ['subtitle'];
  return [...(kind === 'captions' ? ['caption', ...(isForced ? said : [])] : said), ...(isDefault ? ['main'] : [])];
}

/** One AdaptationSet (ISO/IEC 23009-1 §5.3.3) of one text: a whole WebVTT file, at the address that pages are told, too. */
export function textSet(
  text: ListedText,
  { index, durationSeconds }: { index: number; durationSeconds: number },
): Element {
  const { id, language, name, sizeBytes } = text;
  const bandwidth = Math.max(1, Math.ceil((sizeBytes * 8) / Math.max(1, durationSeconds)));
  return {
    name: 'AdaptationSet',
    attributes: { id: index, contentType: 'text', mimeType: 'text/vtt', lang: language },
    children: [
      ...rolesOf(text).map((value) => ({ name: 'Role', attributes: { schemeIdUri: ROLES, value } })),
      { name: 'Label', text: name },
      {
        name: 'Representation',
        attributes: { id: `text-${id}`, bandwidth },
        children: [{ name: 'BaseURL', text: `../text/${id}.vtt` }],
      },
    ],
  };
}

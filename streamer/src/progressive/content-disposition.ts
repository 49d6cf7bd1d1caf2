/** RFC 8187 §3.2.1: attr-char; everything else is percent-encoded. encodeURIComponent leaves a few more alone. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** RFC 9110 §5.6.4: a quoted string; what older clients cannot read becomes an underscore. */
function toAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '_');
}

/** `attachment` with the editor's file name, for old clients and in full (RFC 6266 §4.3). */
export function formatAttachment(fileName: string): string {
  // Through UTF-8, because a lone surrogate cannot be percent-encoded; separators must not reach anybody's file system.
  const wellFormed = Buffer.from(fileName, 'utf8').toString('utf8');
  const name = wellFormed.replace(/[\u0000-\u001f\u007f\\/]/g, '_') || 'video';
  return `attachment; filename="${toAscii(name)}"; filename*=UTF-8''${encodeExtended(name)}`;
}

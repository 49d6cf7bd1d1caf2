/** Names that people chose must not steer the operator's terminal. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '?');
}

/** Newline-delimited JSON, read in pieces. */
export interface JsonLines {
  /** The values that `chunk` completes. Throws a SyntaxError for a line that is no JSON or longer than was agreed. */
  read(chunk: string): unknown[];
}

/** `maxLength` in characters of one line. */
export function createJsonLines(maxLength: number): JsonLines {
  let rest = '';
  return {
    read(chunk) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if ([rest, ...lines].some((line) => line.length > maxLength)) throw new SyntaxError('The line is too long.');
      return lines.map((line): unknown => JSON.parse(line));
    },
  };
}

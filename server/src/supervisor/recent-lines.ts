const MAX_LINES = 1000;

interface NumberedLine {
  /** Rises by one with each line that was ever added. */
  number: number;
  line: string;
}

/** The last lines of a log, in memory. */
export interface RecentLines {
  add(line: string): void;
  /** The last `count`, oldest first. */
  last(count: number): NumberedLine[];
  /** Those that were added after the one of this number, as far as they are kept. */
  after(number: number): NumberedLine[];
}

export function createRecentLines(): RecentLines {
  const kept: NumberedLine[] = [];
  let number = 0;
  return {
    add(line) {
      number += 1;
      kept.push({ number, line });
      if (kept.length > MAX_LINES) kept.shift();
    },
    last: (count) => (count === 0 ? [] : kept.slice(-count)),
    after: (known) => kept.filter((entry) => entry.number > known),
  };
}

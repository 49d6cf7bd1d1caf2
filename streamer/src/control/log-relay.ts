const BACKLOG_LINES = 200;

/** Where the log of a managed streamer goes: to the Strapi processes that are attached, never to a pipe that may block it. */
export interface LogRelay {
  write(line: string): void;
  /** Takes each further line; what was written before, as far as it is kept, comes first. */
  deliverTo(take: (line: string) => void): void;
  /** The last lines, oldest first: what a Strapi that attaches later has missed. */
  backlog(): readonly string[];
}

export function createLogRelay(): LogRelay {
  const kept: string[] = [];
  let deliver: ((line: string) => void) | null = null;
  return {
    write(text) {
      const line = text.trimEnd();
      kept.push(line);
      if (kept.length > BACKLOG_LINES) kept.shift();
      deliver?.(line);
    },
    deliverTo(take) {
      deliver = take;
    },
    backlog: () => kept,
  };
}

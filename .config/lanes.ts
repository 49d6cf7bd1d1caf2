// How the slow suites are spread: which files run where, and beside what. `tests/architecture/lanes.test.ts` holds it.

/**
 * End-to-end files that measure time, memory or the processor, or that take both cores themselves: nothing else runs
 * beside them. All others wait most of the time, and run two at once.
 */
export const ALONE = [
  'browser',
  'concurrency',
  'course-shop',
  'economy',
  'flv-browser',
  'hostile-films',
  'hostile-input',
  'odd-clips',
  'recovery',
  'redemption',
  'revocation',
  'several-nodes',
  'upload-recovery',
];

/** Integration files that run on SQLite alone, and why another database could make no difference. Every other file runs on all. */
export const SQLITE_ONLY: Record<string, string> = {
  'draft-privacy': 'what Strapi puts into answers is taken out of them again; nothing is asked of the database',
  'refused-secret': 'the site refuses before it asks the database',
  'rest-surface': 'which routes there are; all of them refuse before they ask the database',
  'public-films':
    'files on disk; its rows are written by Strapi’s own queries, and `film-import` asks every database for the same films',
  'resumable-upload': 'files on disk; `incoming-films` does with every database what uploads do with their rows',
  'upload-provider':
    'files on disk; its rows are written by Strapi’s own queries, as all sites of the tests do with their film',
};

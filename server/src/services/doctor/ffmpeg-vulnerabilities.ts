import { isBefore, parseVersion } from './version-number';

/** When this list was last compared with its sources. */
export const REVIEWED = '2026-11-30';

export interface Vulnerability {
  id: string;
  what: string;
  /** Releases that have it: from the first (included) to the one that mended it (excluded). */
  affected: readonly (readonly [from: string, mended: string])[];
  source: string;
}

/**
 * Those that a film can reach which somebody uploads: demuxers and decoders that are built in by default. Not a full
 * list: what is older than all of it has many more.
 */
export const VULNERABILITIES: readonly Vulnerability[] = [
  {
    id: 'CVE-2026-125244',
    what: 'out-of-bounds write in the VVC decoder',
    affected: [
      ['7.0', '8.1.3'],
      ['9.0', '9.0.2'],
    ],
    source: 'https://www.cve.org/CVERecord?id=CVE-2026-125244',
  },
  {
    id: 'CVE-2026-8461',
    what: 'out-of-bounds write in the MagicYUV decoder',
    affected: [
      ['0', '5.1.10'],
      ['6.0', '6.1.6'],
      ['7.0', '7.1.5'],
      ['8.0', '8.1.2'],
    ],
    source: 'https://github.com/mastodon/mastodon/releases/tag/v4.6.2',
  },
  {
    id: 'CVE-2026-40962',
    what: 'out-of-bounds write in the MP4 demuxer (Common Encryption)',
    affected: [['4.1', '8.1']],
    source: 'https://www.cve.org/CVERecord?id=CVE-2026-40962',
  },
  {
    id: 'CVE-2024-7272',
    what: 'heap overflow in the audio resampler',
    affected: [['0', '5.1.6']],
    source: 'https://www.cve.org/CVERecord?id=CVE-2024-7272',
  },
];

function isWithin(version: number[], [from, mended]: readonly [string, string]): boolean {
  return !isBefore(version, parseVersion(from) ?? []) && isBefore(version, parseVersion(mended) ?? []);
}

/** Those of the list that a release has. */
export function vulnerabilitiesOf(version: number[]): Vulnerability[] {
  return VULNERABILITIES.filter(({ affected }) => affected.some((range) => isWithin(version, range)));
}

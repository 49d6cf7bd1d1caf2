import { randomInt } from 'node:crypto';

const LENGTH = 24;

/** As Strapi's own document ids look; drawn before there is a row, because a film's place may be named by it. */
export function newAssetId(): string {
  const letter = randomInt(10, 36).toString(36);
  return letter + Array.from({ length: LENGTH - 1 }, () => randomInt(36).toString(36)).join('');
}

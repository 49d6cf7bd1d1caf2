import { describe, expect, it } from 'vitest';
import { hashGuestPassword, isGuestPassword } from '../../../../server/src/tokens/guest-password';

describe('S26 the password of a guest link', () => {
  it('is known again by its hash, which does not hold it and is another one each time', async () => {
    const [one, other] = [await hashGuestPassword('correct horse'), await hashGuestPassword('correct horse')];
    expect(one).not.toBe(other);
    expect(one).not.toContain('correct horse');
    expect(await isGuestPassword('correct horse', one)).toBe(true);
    expect(await isGuestPassword('correct horses', one)).toBe(false);
    expect(await isGuestPassword('', one)).toBe(false);
  });

  it('is the same however a keyboard composes its letters', async () => {
    const hash = await hashGuestPassword('Bu\u0308cherwurm');
    expect(await isGuestPassword('B\u00fccherwurm', hash)).toBe(true);
  });

  it('is no match for a hash that cannot be read', async () => {
    const hash = await hashGuestPassword('correct horse');
    for (const broken of ['', '$$', hash.replace('15', '16'), hash.slice(0, -4), `${hash.split('$')[0]}$$`]) {
      expect(await isGuestPassword('correct horse', broken), broken).toBe(false);
    }
  });
});

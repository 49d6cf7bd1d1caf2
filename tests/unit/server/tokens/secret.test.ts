import { describe, expect, it } from 'vitest';
import { keyMaterial, previousMaterials } from '../../../../server/src/tokens/secret';

const GOOD = 'q8Jr1V0sT5yXw2ZbN7mK4g==';

describe('S2 the secret is vetted before anything is derived from it', () => {
  it.each([
    ['no key at all', []],
    ['an empty key', ['']],
    ['blanks', ['                        ']],
    ["Strapi's template values", ['toBeModified1', 'toBeModified2']],
    ['a template value beside a good one', [GOOD, 'toBeModified2']],
    ['myKeyA', ['myKeyA', 'myKeyB']],
    ['a long template value', ['changeme-changeme-changeme-1234567']],
    ['a short value', ['aB3$xY7!']],
    ['a value of few distinct characters', ['abababababababababababab']],
    ['S2 a quoted template value', ['"toBeModified1-and-more"']],
    ['S2 what a tutorial says', ['your-secret-key-goes-here']],
    ['S2 the digits in order', ['0123456789abcdef']],
    ['S2 the alphabet', ['abcdefghijklmnopqrstuvwxyz']],
    ['S2 a word again and again', ['Hx7!pQ2zHx7!pQ2z']],
  ])('%s is refused with a sentence that says what to do', (_name, secrets) => {
    expect(() => keyMaterial('app.keys', secrets)).toThrowError(
      expect.objectContaining({ code: 'secret-refused', message: expect.stringMatching(/[Ss]et /) }),
    );
  });

  it('the sentence does not repeat the refused value', () => {
    expect(() => keyMaterial('app.keys', ['toBeModified-XYZZY'])).toThrowError(/^(?!.*XYZZY)/);
  });

  it('keys that concatenate to the same text give different material', () => {
    expect(keyMaterial('app.keys', [`${GOOD}a`, GOOD])).not.toBe(keyMaterial('app.keys', [GOOD, `a${GOOD}`]));
  });
});

describe('S2 a secret that is accepted beside the one in use', () => {
  it('gives the material that it gave in its time, as PROTECTED_VOD_SECRET', () => {
    expect(previousMaterials(GOOD)).toEqual([keyMaterial('PROTECTED_VOD_SECRET', [GOOD])]);
  });

  it('gives the material that it gave in its time, as APP_KEYS', () => {
    expect(previousMaterials(`${GOOD},${GOOD}a`)).toContain(keyMaterial('app.keys', [GOOD, `${GOOD}a`]));
    expect(previousMaterials(`["${GOOD}", "${GOOD}a"]`)).toContain(keyMaterial('app.keys', [GOOD, `${GOOD}a`]));
  });

  it.each([
    '',
    'short',
    'toBeModified1,toBeModified2',
    `${GOOD},toBeModified2`,
    `${GOOD},`,
    'changeme-changeme-changeme',
  ])('%j is refused like any other', (text) => {
    expect(() => previousMaterials(text)).toThrowError(
      expect.objectContaining({
        code: 'secret-refused',
        message: expect.stringMatching(/PROTECTED_VOD_PREVIOUS_SECRET/),
      }),
    );
  });
});

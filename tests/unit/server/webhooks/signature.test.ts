import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSecretForm, signedHeaders } from '../../../../server/src/webhooks/signature';

describe('the signature of webhooks', () => {
  it('is that of the example which Standard Webhooks gives', () => {
    const headers = signedHeaders(
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    );
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is another one for another body, id, time and secret', () => {
    const [one, other] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    const signatures = [
      signedHeaders('a', 1, '{}', one),
      signedHeaders('b', 1, '{}', one),
      signedHeaders('a', 2, '{}', one),
      signedHeaders('a', 1, '{ }', one),
      signedHeaders('a', 1, '{}', other),
    ].map((headers) => headers['webhook-signature']);
    expect(new Set(signatures).size).toBe(5);
  });
});

describe('the form of a secret', () => {
  it.each([24, 32, 64])('takes %i bytes in base64, with its prefix and without', (size) => {
    const secret = randomBytes(size).toString('base64');
    expect(isSecretForm(secret)).toBe(true);
    expect(isSecretForm(secret.replace(/=/g, ''))).toBe(true);
    expect(isSecretForm(`whsec_${secret}`)).toBe(true);
  });

  it.each([
    ['fewer bytes', randomBytes(23).toString('base64')],
    ['more bytes', randomBytes(65).toString('base64')],
    ['base64url', '-_'.repeat(24)],
    ['a sentence', 'this is a sentence that nobody would ever guess at all'],
    ['nothing', ''],
    ['the prefix alone', 'whsec_'],
    ['padding within', `${'A1b2'.repeat(5)}==${'A1b2'.repeat(5)}`],
    ['a line break', `${randomBytes(32).toString('base64')}\n`],
  ])('does not take %s', (_name, secret) => {
    expect(isSecretForm(secret)).toBe(false);
  });
});

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../server/src/config';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const URL_PATH = 'https://hooks.example.org/in/path-that-is-a-password';

const parse = (webhook: object) => parseConfig({ webhooks: [{ url: URL_PATH, secret: SECRET, ...webhook }] });

function refusalOf(webhook: object): string {
  try {
    parse(webhook);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('S2 S26 a webhook of the configuration', () => {
  it('hears every event unless it names some, and stays out of private networks', () => {
    expect(parse({}).webhooks).toEqual([
      {
        url: URL_PATH,
        secret: SECRET,
        events: ['video.ready', 'playback.started', 'playback.ended', 'playback.refused'],
        allowPrivateNetwork: false,
      },
    ]);
  });

  it.each([
    ['without a secret', { secret: undefined }, 'missing'],
    ['with an empty secret', { secret: '' }, 'is empty'],
    ['with a short secret', { secret: 'whsec_c2hvcnQ=' }, 'fewer than 16'],
    ['with a template secret', { secret: 'whsec_toBeModifiedtoBeModifiedtoBeModified' }, 'template value'],
    ['with a patterned secret', { secret: `whsec_${'abcdABCD'.repeat(5)}` }, 'follows a pattern'],
    ['with a sentence as its secret', { secret: 'Nobody would ever guess this, or would they?' }, 'base64'],
    ['over plain HTTP', { url: 'http://hooks.example.org/' }, 'https://'],
    ['over plain HTTP at a public address', { url: 'http://1.1.1.1/', allowPrivateNetwork: true }, 'public'],
    ['at a private address', { url: 'https://10.0.0.1/' }, 'private'],
    ['at a private address in disguise', { url: 'https://0x7f.1/' }, 'private'],
    ['at a private IPv6 address', { url: 'https://[::ffff:127.0.0.1]/' }, 'private'],
    ['of another scheme', { url: 'file:///etc/passwd' }, 'url'],
    ['with a password in its address', { url: 'https://user:word@hooks.example.org/' }, 'password'],
    ['with an unknown event', { events: ['video.deleted'] }, 'events'],
    ['that hears nothing', { events: [] }, 'events'],
    ['with an unknown key', { retries: 3 }, 'retries'],
  ])('is refused %s, and the message holds neither secret nor path', (_name, webhook, says) => {
    const message = refusalOf(webhook);
    expect(message).toContain('webhooks[0]');
    expect(message).toContain(says);
    for (const told of [SECRET, 'path-that-is', 'user:word', 'Nobody would']) expect(message).not.toContain(told);
  });

  it('may lie in the private network where that is allowed', () => {
    expect(parse({ url: 'http://10.0.0.1:4000/', allowPrivateNetwork: true }).webhooks).toHaveLength(1);
  });
});

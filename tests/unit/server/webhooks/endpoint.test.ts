import { createHmac, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backOffMs, MAX_ATTEMPTS } from '../../../../server/src/webhooks/back-off';
import { Endpoint, type EndpointParts } from '../../../../server/src/webhooks/endpoint';
import { createPoster } from '../../../../server/src/webhooks/post';
import { until } from '../../../support/until';
import { acceptHook, startWebhookReceiver, type WebhookReceiver } from '../../../support/webhook-receiver';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const PRIVATE = { allowPrivateNetwork: true, isEncrypted: false };

let receiver: WebhookReceiver;
let endpoint: Endpoint;
let told: string[];

beforeEach(async () => {
  receiver = await startWebhookReceiver();
  told = [];
  endpoint = newEndpoint();
});

afterEach(async () => {
  await endpoint.close(0);
  await receiver.close();
});

/** Waits hardly at all between attempts. */
function newEndpoint({
  to = receiver.url,
  reach = PRIVATE,
  ...more
}: Partial<EndpointParts> & { to?: string; reach?: typeof PRIVATE } = {}) {
  const note = (level: string) => (message: string) => void told.push(`${level} ${message}`);
  const log = { info: note('info'), warn: note('warn'), error: note('error') };
  const poster = createPoster(new URL(`${to}/in/secret-path`), reach);
  return new Endpoint({ name: 'the endpoint', secret: SECRET, poster, log, backOff: () => 1, ...more });
}

const send = (...ids: string[]) => {
  for (const id of ids) endpoint.send({ id, body: JSON.stringify({ id }) });
};
const ids = () => receiver.received.map(({ headers }) => headers['webhook-id']);
const answerWith = (status: number, headers: Record<string, string> = {}) => {
  receiver.answer = (response) => response.writeHead(status, headers).end();
};

describe('an endpoint', () => {
  it('gets each event once, in order, over one connection, signed over the body as it is sent', async () => {
    const sent = Array.from({ length: 50 }, (_, at) => `event-${at}`);
    send(...sent);
    await until('all came', () => receiver.received.length === 50);
    expect(ids()).toEqual(sent);
    expect(receiver.connections()).toBe(1);
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    for (const { method, url, headers, body } of receiver.received) {
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
      expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
      expect(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']))).toBeLessThan(60);
      expect([method, url, headers['content-type']]).toEqual(['POST', '/in/secret-path', 'application/json']);
    }
    expect(told).toEqual([]);
  });

  it('that answers 500 gets the same event again, then the next; its failure and its recovery are told once', async () => {
    let failures = 3;
    receiver.answer = (response) => {
      failures -= 1;
      response.writeHead(failures >= 0 ? 500 : 204).end();
    };
    send('one', 'two');
    await until('both came', () => receiver.received.length === 5);
    expect(ids()).toEqual(['one', 'one', 'one', 'one', 'two']);
    await until('recovery is told', () => told.length === 2);
    expect(told).toEqual([
      'warn the endpoint does not take events (status 500). They wait and are tried again.',
      'info the endpoint takes events again.',
    ]);
  });

  it.each([301, 302, 303, 307, 308])('S26 that answers %i is not followed: a redirect is a failure', async (status) => {
    const elsewhere = await startWebhookReceiver();
    answerWith(status, { location: `${elsewhere.url}/` });
    send('one');
    await until('it was tried again', () => receiver.received.length > 1);
    expect(elsewhere.connections()).toBe(0);
    expect(told[0]).toContain(`status ${status}`);
    await elsewhere.close();
  });

  it('that switches protocols or hangs up has not accepted, and holds nothing up', async () => {
    receiver.answer = (switching) => {
      receiver.answer = (hungUp) => {
        receiver.answer = acceptHook;
        hungUp.socket?.destroy();
      };
      switching.writeHead(101, { connection: 'Upgrade', upgrade: 'gopher' }).end();
    };
    send('one', 'two');
    await until('both came', () => ids().includes('two'));
    expect(ids()).toEqual(['one', 'one', 'one', 'two']);
    expect(told[0]).toContain('(no-answer)');
  });

  it(`gives an event up after ${MAX_ATTEMPTS} attempts, and goes on with the next`, async () => {
    receiver.answer = (response, { headers }) => {
      response.writeHead(headers['webhook-id'] === 'poison' ? 400 : 200).end();
    };
    send('poison', 'next');
    await until('the next came', () => ids().includes('next'));
    expect(ids()).toEqual([...Array(MAX_ATTEMPTS).fill('poison'), 'next']);
    await until('recovery is told', () => told.length === 3);
    expect(told.slice(1)).toEqual([
      'error the endpoint loses events (not accepted 12 times).',
      'info the endpoint takes events again. 1 were lost.',
    ]);
  });

  it('whose answer is a flood is cut off, and has accepted all the same', async () => {
    receiver.answer = (response, { headers }) => {
      response.writeHead(200);
      const flood = () => response.write(Buffer.alloc(64 * 1024));
      if (headers['webhook-id'] === 'next') return void response.end();
      response.on('drain', flood);
      flood();
    };
    send('flood', 'next');
    await until('the next came', () => ids().includes('next'));
    expect(ids()).toEqual(['flood', 'next']);
    expect(told).toEqual([]);
  });
});

describe('S26 the queue of an endpoint', () => {
  it('is bounded: of what comes while a receiver never answers the first are kept, the others counted', async () => {
    await endpoint.close(0);
    endpoint = newEndpoint({ capacity: 10 });
    let accept = () => {};
    receiver.answer = (response) => {
      accept = () => {
        receiver.answer = (other) => other.writeHead(204).end();
        response.writeHead(204).end();
      };
    };
    send(...Array.from({ length: 1000 }, (_, at) => `event-${at}`));
    expect(told).toEqual(['error the endpoint loses events (too many wait).']);
    await until('the first came', () => receiver.received.length === 1);
    accept();
    await until('it is well again', () => told.length === 2);
    expect(ids()).toEqual(Array.from({ length: 10 }, (_, at) => `event-${at}`));
    expect(told[1]).toBe('info the endpoint takes events again. 990 were lost.');
  });

  it('does not hold the end up where a receiver never answers, and what it lacks is told', async () => {
    receiver.answer = () => undefined;
    send('one', 'two', 'three');
    await until('the first came', () => receiver.received.length === 1);
    await endpoint.close(1);
    expect(told).toEqual(['warn the endpoint: 3 events were not delivered before the end.']);
  });

  it('does not wait for a receiver that fails', async () => {
    await endpoint.close(0);
    endpoint = newEndpoint({ backOff: () => 3_600_000 });
    answerWith(503);
    send('one', 'two');
    await until('its failure is told', () => told.length === 1);
    await endpoint.close(3_600_000);
    expect(told[1]).toContain('2 events were not delivered');
  });

  it('is emptied before the end where all goes well', async () => {
    send(...Array.from({ length: 20 }, (_, at) => `event-${at}`));
    await endpoint.close(30_000);
    expect(receiver.received).toHaveLength(20);
    send('late');
    expect(told).toEqual([]);
  });
});

describe('S26 an endpoint in a private network', () => {
  it.each([
    ['by its address', (url: string) => url],
    ['by a name', (url: string) => url.replace('127.0.0.1', 'localhost')],
  ])('is not connected to %s, unless that is allowed', async (_name, address) => {
    await endpoint.close(0);
    endpoint = newEndpoint({ to: address(receiver.url), reach: { allowPrivateNetwork: false, isEncrypted: false } });
    send('one');
    await until('it is told', () => told.length === 1);
    expect(told[0]).toContain('(address-refused)');
    expect(receiver.connections()).toBe(0);
    await endpoint.close(0);
    endpoint = newEndpoint({ to: address(receiver.url) });
    send('two');
    await until('it came', () => ids().includes('two'));
  });

  it('what is told holds neither secret nor path', async () => {
    await receiver.close();
    send('one');
    await until('it is told', () => told.length > 0);
    expect(told[0]).toMatch(/ECONNREFUSED/);
    expect(told.join()).not.toMatch(/secret-path|127\.0\.0\.1|whsec_/);
    receiver = await startWebhookReceiver();
  });
});

describe('between attempts', () => {
  it('the wait doubles up to five minutes, half of it by chance, and twelve attempts take some 18 minutes', () => {
    expect([1, 2, 3, 9].map((attempts) => backOffMs(attempts, () => 1))).toEqual([1000, 2000, 4000, 256_000]);
    expect(backOffMs(1, () => 0)).toBe(500);
    expect(backOffMs(30, () => 1)).toBe(300_000);
    const waits = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, at) => backOffMs(at + 1, () => 1));
    expect(waits.reduce((sum, ms) => sum + ms, 0) / 60_000).toBeCloseTo(18.5, 0);
  });
});

import { describe, expect, it } from 'vitest';
import { createGuessLimit, type GuessLimits } from '../../../../server/src/services/rate-limits/guess-limit';

const MINUTE_SECONDS = 60;
const SCHOOL = '203.0.113.0/24';
const HOME = '198.51.100.0/24';

function limitAt(limits: Partial<GuessLimits> = {}) {
  let now = 0;
  const limit = createGuessLimit({ perPrefix: 5, perLink: 8, ...limits }, () => now);
  const compare = (isRight: boolean) => async (addressPrefix: string, link: string) =>
    (await limit.compare({ link, addressPrefix }, async () => isRight)).outcome;
  return {
    limit,
    guess: (addressPrefix = SCHOOL, link = 'a') => compare(false)(addressPrefix, link),
    enter: (addressPrefix = SCHOOL, link = 'a') => compare(true)(addressPrefix, link),
    lockOf: (addressPrefix = SCHOOL, link = 'a') => limit.lockOf({ link, addressPrefix }),
    pass(seconds: number) {
      now += seconds * 1000;
    },
  };
}

async function times<T>(count: number, act: (at: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let at = 0; at < count; at += 1) results.push(await act(at));
  return results;
}

/** A comparison that ends when it is told to. */
function pending() {
  let end = (_isRight: boolean) => {};
  const ended = new Promise<boolean>((resolve) => {
    end = resolve;
  });
  return { compare: () => ended, end };
}

describe('T11 wrong passwords at a link', () => {
  it('from one network are five in any fifteen minutes; then not even the right one is compared', async () => {
    const { guess, enter, lockOf, pass } = limitAt();
    for (let at = 0; at < 5; at += 1) {
      expect(await guess()).toBe('wrong');
      pass(MINUTE_SECONDS);
    }
    expect(lockOf()).toEqual({ by: 'perPrefix', network: SCHOOL, retryAfterSeconds: 10 * MINUTE_SECONDS });
    expect([await guess(), await enter()]).toEqual(['locked', 'locked']);
    pass(10 * MINUTE_SECONDS);
    expect(await guess()).toBe('wrong');
    // The second of the five is a minute younger.
    expect(lockOf()).toMatchObject({ retryAfterSeconds: MINUTE_SECONDS });
    pass(MINUTE_SECONDS);
    expect(await enter()).toBe('right');
  });

  it('are counted alone: what is right costs nothing, however often it is shown', async () => {
    const { guess, enter } = limitAt();
    await times(4, () => guess());
    expect(new Set(await times(50, () => enter()))).toEqual(new Set(['right']));
    expect([await guess(), await enter()]).toEqual(['wrong', 'locked']);
  });

  it('are counted for each network and each link', async () => {
    const { guess, enter } = limitAt();
    await times(5, () => guess());
    expect([await enter(HOME), await enter(SCHOOL, 'b')]).toEqual(['right', 'right']);
  });

  it('from all networks of an IPv6 /48 are five together', async () => {
    const { guess, enter, lockOf } = limitAt();
    const network = (at: number) => `2001:db8:1:${(at * 256).toString(16)}::/56`;
    await times(5, (at) => guess(network(at + 1)));
    expect(lockOf(network(9))).toMatchObject({ by: 'perPrefix', network: '2001:db8:1::/48' });
    expect([await enter(network(9)), await enter('2001:db8:2::/56')]).toEqual(['locked', 'right']);
  });

  it('that are compared at once are no more than five either', async () => {
    const { limit, lockOf } = limitAt();
    const guesser = { link: 'a', addressPrefix: SCHOOL };
    const guesses = Array.from({ length: 8 }, pending);
    const outcomes = guesses.map(({ compare }) => limit.compare(guesser, compare));
    // Nothing is lost yet: those that wait may be right.
    expect(lockOf()).toMatchObject({ retryAfterSeconds: 1 });
    for (const { end } of guesses) end(false);
    const told = (await Promise.all(outcomes)).map(({ outcome }) => outcome);
    expect(told).toEqual([...Array(5).fill('wrong'), ...Array(3).fill('locked')]);
    expect(lockOf()).toMatchObject({ retryAfterSeconds: 15 * MINUTE_SECONDS });
  });

  it('are none where the comparison fails', async () => {
    const { limit, enter } = limitAt();
    const failing = () =>
      limit.compare({ link: 'a', addressPrefix: SCHOOL }, () => Promise.reject(new Error('no memory')));
    await times(9, () => expect(failing()).rejects.toThrow('no memory'));
    expect(await enter()).toBe('right');
  });
});

describe('T11 wrong passwords at a link from many networks', () => {
  const network = (at: number) => `10.0.${at}.0/24`;

  it('keep out, above the limit of the link, those who tried one, and nobody else', async () => {
    const { guess, enter, lockOf } = limitAt();
    await guess(SCHOOL);
    await times(7, (at) => guess(network(at)));
    expect(lockOf(SCHOOL)).toMatchObject({ by: 'perLink', network: null });
    expect([await enter(SCHOOL), await enter(network(3)), await enter(HOME)]).toEqual(['locked', 'locked', 'right']);
    // A first guess is compared from anywhere, and is the last one from there.
    expect([await guess(network(99)), await enter(network(99))]).toEqual(['wrong', 'locked']);
  });

  it('leave those who tried one their own five, once the link has room again', async () => {
    const { guess, lockOf, pass } = limitAt();
    await times(8, (at) => guess(network(at)));
    pass(15 * MINUTE_SECONDS);
    expect(lockOf(network(0))).toBeNull();
    expect(await times(6, () => guess(network(0)))).toEqual([...Array(5).fill('wrong'), 'locked']);
  });

  it('are remembered for a day: who comes back after a quarter of an hour is not new', async () => {
    const { guess, enter, pass } = limitAt();
    await guess(SCHOOL);
    pass(23 * 3600);
    await times(8, (at) => guess(network(at)));
    expect(await enter(SCHOOL)).toBe('locked');
  });

  it('are told apart from those at another link', async () => {
    const { guess, enter } = limitAt();
    await guess(SCHOOL, 'b');
    await times(8, (at) => guess(network(at)));
    expect(await enter(SCHOOL)).toBe('right');
  });
});

it.each([
  [{ perPrefix: null, perLink: null }, 'wrong'],
  [{ perPrefix: null }, 'locked'],
  [{ perLink: null }, 'locked'],
])('with %j a ninth wrong password from one network is %s', async (limits, expected) => {
  const { guess } = limitAt(limits);
  expect((await times(9, () => guess())).at(-1)).toBe(expected);
});

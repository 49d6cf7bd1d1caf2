import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ResolverTraffic } from '../../../../server/src/graphql/resolver-traffic';

/** One that waits for the others, and what it has seen. */
function waiting(traffic: ResolverTraffic) {
  const end = traffic.begin();
  const seen = { isReleased: false };
  const released = traffic.quiet().then(() => {
    seen.isReleased = true;
    end();
  });
  return { seen, released };
}

const someTurns = async () => {
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
};

describe('what waits for the resolvers of a GraphQL operation', () => {
  it('goes on at once where no other is at work', async () => {
    await waiting(new ResolverTraffic()).released;
  });

  it('goes on when the last of the others has ended, all together', async () => {
    const traffic = new ResolverTraffic();
    const [endOne, endOther] = [traffic.begin(), traffic.begin()];
    const [first, second] = [waiting(traffic), waiting(traffic)];
    endOne();
    await someTurns();
    expect([first.seen.isReleased, second.seen.isReleased]).toEqual([false, false]);
    endOther();
    await Promise.all([first.released, second.released]);
  });

  it('waits for those too that an ended one begins', async () => {
    const traffic = new ResolverTraffic();
    const end = traffic.begin();
    const { seen, released } = waiting(traffic);
    end();
    const endChild = await Promise.resolve().then(() => traffic.begin());
    await someTurns();
    expect(seen.isReleased).toBe(false);
    endChild();
    await released;
  });

  it('goes on where nobody counts the resolvers', async () => {
    await new ResolverTraffic().quiet();
  });

  it('waits again when more come later', async () => {
    const traffic = new ResolverTraffic();
    await waiting(traffic).released;
    const end = traffic.begin();
    const { seen, released } = waiting(traffic);
    await someTurns();
    expect(seen.isReleased).toBe(false);
    end();
    await released;
  });
});

// The stand-in plugin in a process of its own, so that its CPU can be counted. argv: the compiled stand-in.
const { startStandInPlugin } = require(process.argv[2]);

const CLIENT = { addressPrefix: '127.0.0.0/24', agent: '0123456789abcdef' };

/** As the real plugin does it: a lease is renewed when half of it is over. */
function renewAtHalf(leaseSeconds) {
  const renewedAt = new Map();
  return (verdict) => {
    if (verdict.state !== 'renewed') return verdict;
    const now = Date.now();
    const last = renewedAt.get(verdict.session);
    const isDue = last !== undefined && now - last >= leaseSeconds * 500;
    if (last === undefined || isDue) renewedAt.set(verdict.session, now);
    return isDue ? verdict : { session: verdict.session, state: 'unchanged' };
  };
}

startStandInPlugin().then((plugin) => {
  plugin.terms.pace = { factor: 1_000_000, bufferSeconds: 1_000_000_000 };
  plugin.faults.verdict = renewAtHalf(plugin.terms.leaseSeconds);
  process.on('message', ({ question, asset, ended = [] }) => {
    for (const sessionId of ended) plugin.end(sessionId);
    if (question === undefined) return;
    process.send({ question, sessionId: plugin.openSession(CLIENT, asset) });
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ internalUrl: plugin.internalUrl, keys: plugin.keys });
});

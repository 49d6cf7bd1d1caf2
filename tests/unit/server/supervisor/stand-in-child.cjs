// A child that behaves as its settings say, to see what the supervisor makes of it.
const http = require('node:http');

process.on('SIGINT', () => {});
process.once('disconnect', () => process.exit(0));

process.once('message', ({ settings }) => {
  const { behaviour = 'serve' } = settings;
  const serve = () => {
    const server = http.createServer((_request, response) =>
      response.end(JSON.stringify({ settings, pid: process.pid })),
    );
    server.listen(0, '127.0.0.1', () =>
      process.send({
        type: 'listening',
        port: server.address().port,
        opsPort: server.address().port,
        rtmpPort: null,
        rtmpsPort: null,
      }),
    );
  };
  const behaviours = {
    serve,
    die: () => process.exit(3),
    silence: () => setInterval(() => {}, 60_000),
    'refuse-to-stop': () => {
      process.on('SIGTERM', () => {});
      serve();
    },
    'say-fatal-and-stay': () => {
      process.send({ type: 'fatal', reason: 'the port is taken' });
      setInterval(() => {}, 60_000);
    },
    'talk-nonsense': () => {
      for (const nonsense of [null, 7, 'listening', { type: 'listening' }, { type: 'other' }]) process.send(nonsense);
      serve();
    },
    flood: () => {
      const line = `${JSON.stringify({ level: 'info', text: 'x'.repeat(1000) })}\n`;
      for (let count = 0; count < settings.lines; count += 1) process.stdout.write(line);
      serve();
    },
  };
  behaviours[behaviour]();
});

const path = require('node:path');

/** A test's database need not survive a power failure: nothing waits for the disk. */
const hasty = {
  afterCreate(connection, done) {
    connection.pragma('synchronous = OFF');
    done(null, connection);
  },
};

const sqlite = (env) => ({
  client: 'sqlite',
  connection: { filename: path.resolve(__dirname, '..', env('DATABASE_FILENAME', '.tmp/data.db')) },
  useNullAsDefault: true,
  ...(env('NODE_ENV') === 'test' && { pool: hasty }),
});

const server = (env, client) => ({
  client,
  connection: {
    host: env('DATABASE_HOST', '127.0.0.1'),
    port: env.int('DATABASE_PORT'),
    database: env('DATABASE_NAME'),
    user: env('DATABASE_USERNAME'),
    password: env('DATABASE_PASSWORD', ''),
  },
  pool: { min: 0, max: 10 },
});

module.exports = ({ env }) => {
  const client = env('DATABASE_CLIENT', 'sqlite');
  return { connection: client === 'sqlite' ? sqlite(env) : server(env, client) };
};

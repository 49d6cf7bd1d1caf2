const path = require('node:path');

// Read from `config/` by the tests and from `dist/config/` by Strapi's own commands.
const isCompiled = path.basename(path.dirname(__dirname)) === 'dist';
const repository = path.resolve(__dirname, isCompiled ? '../../../..' : '../../..');

// The tests ask for thousands of tokens from one address; what the limits do, they set themselves.
const UNLIMITED = { perUser: null, perPrefix: null };
const rateLimits = { mint: { ...UNLIMITED, perApiToken: null }, redeem: UNLIMITED };

// Dozens of sites would make a poster and a storyboard of every film; those whose tests are about that run a worker.
const ingest = { mode: 'external' };
// Nor renditions.
const withoutLadder = ({ ingest: own = ingest, ...config }) => ({ ...config, ingest: { ladder: [], ...own } });

module.exports = ({ env }) => ({
  'protected-vod': {
    enabled: true,
    resolve: repository,
    config: {
      ...(env('NODE_ENV') === 'test' && { rateLimits }),
      ...(env('NODE_ENV') === 'test' ? withoutLadder : (config) => config)(
        JSON.parse(env('PROTECTED_VOD_TEST_CONFIG', '{}')),
      ),
    },
  },
  'users-permissions': {
    config: {
      jwtManagement: 'refresh',
      jwtSecret: env('JWT_SECRET'),
      // Tests and demo speak plain HTTP on loopback, where no browser keeps a secure cookie.
      sessions: { httpOnly: true, cookie: { secure: false } },
      // The tests sign in dozens of viewers from one address.
      ratelimit: { enabled: env('NODE_ENV') !== 'test' },
    },
  },
  graphql: { config: { defaultLimit: 25, maxLimit: 100, depthLimit: 10 } },
  upload: { config: { security: { allowedTypes: ['image/*', 'video/*', 'audio/*', 'application/*', 'text/*'] } } },
});

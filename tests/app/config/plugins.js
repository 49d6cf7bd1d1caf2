const path = require('node:path');

module.exports = ({ env }) => ({
  'protected-vod': {
    enabled: true,
    resolve: path.resolve(__dirname, '../../..'),
    config: JSON.parse(env('PROTECTED_VOD_TEST_CONFIG', '{}')),
  },
  'users-permissions': {
    config: {
      jwtManagement: 'refresh',
      jwtSecret: env('JWT_SECRET'),
      sessions: { httpOnly: true },
      // The tests sign in dozens of viewers from one address.
      ratelimit: { enabled: env('NODE_ENV') !== 'test' },
    },
  },
  upload: { config: { security: { allowedTypes: ['image/*', 'video/*', 'audio/*', 'application/*', 'text/*'] } } },
});

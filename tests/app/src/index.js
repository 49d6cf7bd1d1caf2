const { createReadStream } = require('node:fs');

/** The demo page's player: the library as its package ships it. */
const hlsLibrary = {
  method: 'GET',
  path: '/demo/hls.js',
  handler: (ctx) => {
    ctx.type = 'text/javascript';
    ctx.body = createReadStream(require.resolve('hls.js/dist/hls.min.js'));
  },
  config: { auth: false },
};

module.exports = {
  register({ strapi }) {
    strapi.server.routes([hlsLibrary]);
  },
  bootstrap() {},
};

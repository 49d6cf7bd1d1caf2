// Boots the test site as a process of its own and tells over stdout how its streamer fares. Argument: `start` or `load`.
const path = require('node:path');
const { createStrapi } = require('@strapi/strapi');

const appDir = process.env.SITE_APP_DIR ?? path.resolve(__dirname, '../app');
const strapi = createStrapi({ appDir, distDir: appDir });

async function run() {
  await (process.argv[2] === 'load' ? strapi.load() : strapi.start());
  const streamer = strapi.plugin('protected-vod').service('streamer');
  let last = '';
  setInterval(() => {
    const port = strapi.server.httpServer.address()?.port ?? null;
    const line = JSON.stringify({ site: { ...streamer.status(), uptimeSeconds: 0, sitePort: port } });
    if (line !== last) process.stdout.write(`${line}\n`);
    last = line;
  }, 20);
}

void run();

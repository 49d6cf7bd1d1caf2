// `npm run demo` and `npm run demo -- --check`. Only Node's own modules are loaded before `install()`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildAdmin, buildPlugin, install, ROOT } from './prepare.mjs';

const isCheck = process.argv.includes('--check');

install();
buildPlugin();
if (!isCheck) buildAdmin();

const { startApp } = await import('./app.mjs');
const { seed, EDITOR, MEMBER, SUBSCRIBER } = await import('./seed.mjs');
const { mint, signIn } = await import('../clients/site.mjs');

/** Everything once, on a site of its own that is gone afterwards. @returns {Promise<boolean>} whether all went well */
async function runCheck() {
  const directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-demo-'));
  const app = await startApp({ directory, admin: false });
  try {
    const { check } = await import('./check.mjs');
    return await check({ ...app, video: await seed(app) });
  } finally {
    await app.strapi.destroy();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runDemo() {
  const app = await startApp({ directory: path.join(ROOT, '.demo'), admin: true });
  const { site, password } = app;
  const video = await seed(app);
  const { urls } = (await mint(site, video, await signIn(site, SUBSCRIBER, password))).body.data;
  console.log(`
Protected VOD is running.

  Page       ${site}/demo/index.html#video=${video}&password=${password}
             a visitor and a member are refused, the subscriber watches
  Admin      ${site}/admin
             ${EDITOR}  ${password}
  Users      ${MEMBER} and ${SUBSCRIBER}, the same password

  Players    within a minute from now, then mint anew:
             ffplay '${urls.rtmp}'
             ffplay '${urls.httpFlv}'

  Mint a playback token:
    JWT=$(curl -s ${site}/api/auth/local -H 'content-type: application/json' \\
      -d '{"identifier":"${SUBSCRIBER}","password":"${password}"}' | sed 's/.*"jwt":"\\([^"]*\\)".*/\\1/')
    curl -s -X POST ${site}/api/protected-vod/videos/${video}/playback-token -H "authorization: Bearer $JWT"

Ctrl-C ends it. The state lies in .demo/; delete that folder to start over.
`);
}

try {
  if (isCheck) process.exit((await runCheck()) ? 0 : 1);
  await runDemo();
} catch (error) {
  console.error(error);
  // The streamer sees that its parent is gone and ends.
  process.exit(1);
}

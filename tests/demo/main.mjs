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

const directory = isCheck ? mkdtempSync(path.join(tmpdir(), 'protected-vod-demo-')) : path.join(ROOT, '.demo');
const app = await startApp({ directory, admin: !isCheck });
const video = await seed(app);

if (isCheck) {
  const { check } = await import('./check.mjs');
  const passed = await check({ ...app, video });
  await app.strapi.destroy();
  rmSync(directory, { recursive: true, force: true });
  process.exit(passed ? 0 : 1);
}

const { site, password } = app;
console.log(`
Protected VOD is running.

  Page       ${site}/demo/index.html#video=${video}&password=${password}
             a visitor and a member are refused, the subscriber watches
  Admin      ${site}/admin
             ${EDITOR}  ${password}
  Users      ${MEMBER} and ${SUBSCRIBER}, the same password

  Mint a playback token:
    JWT=$(curl -s ${site}/api/auth/local -H 'content-type: application/json' \\
      -d '{"identifier":"${SUBSCRIBER}","password":"${password}"}' | sed 's/.*"jwt":"\\([^"]*\\)".*/\\1/')
    curl -s -X POST ${site}/api/protected-vod/videos/${video}/playback-token -H "authorization: Bearer $JWT"

Ctrl-C ends it. The state lies in .demo/; delete that folder to start over.
`);

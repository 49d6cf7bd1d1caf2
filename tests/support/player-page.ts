import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** Not resolved as modules: a browser loads a file, whatever the package exports to Node. */
const MODULES = path.resolve(import.meta.dirname, '../../node_modules');

const LIBRARIES: Record<string, string> = {
  '/hls.js': 'hls.js/dist/hls.min.js',
  '/dash.js': 'dashjs/dist/modern/umd/dash.all.min.js',
  '/shaka.js': 'shaka-player/dist/shaka-player.compiled.js',
  '/mpegts.js': 'mpegts.js/dist/mpegts.js',
};

const PAGE = `<!doctype html><meta charset="utf-8"><title>player</title>
<video id="player" muted playsinline width="640" height="360"></video>
<script src="/hls.js"></script><script src="/dash.js"></script><script src="/shaka.js"></script>
<script src="/mpegts.js"></script>
<script>
const player = document.querySelector('#player');
window.problems = [];
player.addEventListener('error', () => problems.push('media error ' + player.error?.code));
window.players = {
  'hls.js'(url) {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_e, data) => data.fatal && problems.push('hls.js ' + data.details));
    window.hls = hls;
    hls.loadSource(url); hls.attachMedia(player);
  },
  // Each segment from another level: the highest first, then the lowest, and so on upwards.
  'hls.js through all levels'(url) {
    window.loaded = [];
    class InTurn extends Hls.DefaultConfig.abrController {
      get nextAutoLevel() {
        const levels = this.hls?.levels.length || 1;
        return (levels - 1 + loaded.length) % levels;
      }
      set nextAutoLevel(level) {}
    }
    const hls = new Hls({ abrController: InTurn });
    // Otherwise it waits for its decoder.
    const runsDry = () => Array.from(player.buffered, (_, at) => at).every((at) =>
      player.currentTime < player.buffered.start(at) || player.buffered.end(at) < player.currentTime + 0.1);
    hls.on(Hls.Events.ERROR, (_e, { details }) => {
      if (details !== 'bufferStalledError' || runsDry()) problems.push('hls.js ' + details);
    });
    player.addEventListener('waiting', () => {
      if (player.currentTime > 0 && !player.seeking && runsDry()) problems.push('dry at ' + player.currentTime);
    });
    hls.on(Hls.Events.FRAG_LOADED, (_e, { frag }) => {
      if (frag.type === 'main' && frag.sn !== 'initSegment') loaded.push(hls.levels[frag.level].height);
    });
    hls.loadSource(url); hls.attachMedia(player);
  },
  'dash.js'(url) {
    const dash = dashjs.MediaPlayer().create();
    dash.on('error', (event) => problems.push('dash.js ' + event.error?.message));
    dash.initialize(player, url, false);
  },
  async shaka(url) {
    const shakaPlayer = window.shakaPlayer = new shaka.Player();
    await shakaPlayer.attach(player);
    shakaPlayer.addEventListener('error', (event) => problems.push('shaka ' + event.detail.code));
    await shakaPlayer.load(url);
  },
  'mpegts.js'(url) {
    const flv = mpegts.createPlayer({ type: 'flv', url, isLive: false });
    flv.on(mpegts.Events.ERROR, (type, detail) => problems.push('mpegts.js ' + type + ' ' + detail));
    flv.attachMediaElement(player);
    flv.load();
  },
  native(url) { player.src = url; },
};
</script>`;

/** A page of another origin than the site's with the players in it; closed by `close()`. */
export async function servePlayerPage(): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer(async (request, response) => {
    const library = LIBRARIES[request.url ?? ''];
    response.setHeader('content-type', library ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(library ? await readFile(path.join(MODULES, library)) : PAGE);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

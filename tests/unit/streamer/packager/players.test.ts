import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatManifest } from '../../../../streamer/src/dash/manifest';
import { formatMediaPlaylist } from '../../../../streamer/src/hls/media-playlist';
import { formatMultivariantPlaylist } from '../../../../streamer/src/hls/multivariant-playlist';
import { assetOf, BUNNY, countingPackager, countPackets, hasFfmpeg, listPackets, makeScratch } from './film-fixture';

let scratch: Awaited<ReturnType<typeof makeScratch>>;

/** The tree of addresses below a credential, as files. */
async function publish(directory: string): Promise<void> {
  const asset = assetOf({ source: BUNNY });
  const { packager } = countingPackager(directory);
  const presentation = await packager.presentation(asset);
  for (const track of presentation.tracks) {
    const beside = join(directory, track.id);
    await mkdir(beside);
    await writeFile(join(beside, 'media.m3u8'), formatMediaPlaylist(track));
    await writeFile(join(beside, 'init.mp4'), (await packager.initSegment(asset, track.id))?.bytes ?? '');
    for (const index of track.segments.keys()) {
      const segment = await packager.segment(asset, track.id, index + 1);
      await writeFile(join(beside, `${index + 1}.m4s`), segment?.bytes ?? '');
    }
  }
  await writeFile(join(directory, 'main.m3u8'), formatMultivariantPlaylist(presentation));
  await writeFile(join(directory, 'manifest.mpd'), formatManifest(presentation));
  await packager.close();
}

describe.skipIf(!hasFfmpeg)('what a player finds by the addresses (needs ffmpeg)', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    scratch = await makeScratch();
    await publish(scratch.directory);
  });

  afterAll(() => scratch.remove());

  it.each(['main.m3u8', 'manifest.mpd'])('all of the picture and all of the sound, from %s', async (entry) => {
    const path = join(scratch.directory, entry);
    const sound = (await listPackets(BUNNY, 'audio')).filter(({ timestamp }) => timestamp >= 0);
    expect(await countPackets(path, 'v:0')).toBe(720);
    expect(await countPackets(path, 'a:0')).toBe(sound.length);
  });
});

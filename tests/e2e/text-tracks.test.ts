import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assetsSchema, type PlaybackTokenAnswer } from '../../server/contracts';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { askAsAdmin } from '../support/admin-rest';
import { type BrowserHost, openBrowserHost, playerOf, problemsOf } from '../support/browser-page';
import { publishVideo } from '../support/films';
import { jobsOf } from '../support/ingest-worker';
import { uploadToMediaLibrary } from '../support/media-library';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { makeTextFilms, type TextFilms } from '../support/text-films';
import { CHROMIUM, FFMPEG } from '../support/tools';
import { until, WORK_SECONDS } from '../support/until';

const FILMS = ['spoken.mp4', 'spoken.mkv', 'pictures.mkv', 'sound.m4a'] as const;
const SRT = '1\r\n00:00:03,000 --> 00:00:04,500\r\nBonjour\r\n';

type FilmName = (typeof FILMS)[number];

interface Seen {
  hls: { audioTracks: { name: string; lang?: string }[]; audioTrack: number };
  shakaPlayer: { getTextTracks(): { language: string; label: string }[]; getAudioTracks(): { language: string }[] };
}

describe.skipIf(!FFMPEG)('texts of a film', () => {
  let site: PlaybackSite;
  let films: TextFilms;
  let uploaded: string;
  const assets = new Map<FilmName, string>();
  const videos = new Map<FilmName, string>();

  const answerFor = (name: FilmName): Promise<PlaybackTokenAnswer['data']> =>
    mint(site.app, videos.get(name) ?? '', site.viewer.jwt);
  const textAt = async (url: string | null | undefined) => (await fetchOk(url ?? '')).bytes.toString('utf8');

  async function upload(name: FilmName): Promise<void> {
    const type = name.endsWith('.m4a') ? 'audio/mp4' : 'video/mp4';
    const bytes = await readFile(films.pathOf(name));
    const { file } = await uploadToMediaLibrary(site.app, site.editor, { name, bytes, type });
    assets.set(name, file.url.slice(file.url.lastIndexOf('/') + 1));
    videos.set(name, await publishVideo(site.app, site.editor, { source: file.id }));
  }

  beforeAll(async () => {
    films = await makeTextFilms();
    site = await startPlaybackSite({ pluginConfig: { ingest: { mode: 'managed' } } });
    for (const name of FILMS) await upload(name);
    const query = new URLSearchParams({ kind: 'subtitles', language: 'fr', label: 'Français', default: 'true' });
    const response = await fetch(
      `${site.app.url}/protected-vod/assets/${assets.get('spoken.mp4')}/text-tracks?${query}`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${site.editor.token}`, 'content-type': 'application/octet-stream' },
        body: SRT,
      },
    );
    uploaded = ((await response.json()) as { data: { id: string } }).data.id;
    const isOver = async () => (await jobsOf(site.app)).every(({ state }) => /done|failed/.test(state));
    await until('all is made', isOver, WORK_SECONDS);
  });
  afterAll(async () => {
    await site?.app.stop();
    await films?.remove();
  });

  it('that are in it are taken out with their languages, beside what an editor uploaded', async () => {
    const { textTracks } = await answerFor('spoken.mp4');
    const told = textTracks.map(({ kind, language, label, default: isDefault }) => [kind, language, label, isDefault]);
    expect(told.toSorted()).toEqual([
      ['chapters', 'und', 'Chapters', false],
      ['subtitles', 'de', 'German', false],
      ['subtitles', 'en', 'English', false],
      ['subtitles', 'fr', 'Français', true],
    ]);
    const german = textTracks.find(({ language }) => language === 'de');
    const text = 'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<i>Guten</i> Tag &amp; willkommen\n';
    expect(await textAt(german?.url)).toBe(text);
  });

  it('that are SubRip, SubStation Alpha or WebVTT in Matroska are taken out', async () => {
    const { textTracks, chapters } = await answerFor('spoken.mkv');
    const told = textTracks.map(({ kind, language, label, default: isDefault, forced = false }) => {
      return [kind, language, label, isDefault, forced];
    });
    expect(told).toEqual([
      ['subtitles', 'de', 'Deutsch "=;', false, true],
      ['captions', 'en', 'English SDH', true, false],
      ['captions', 'und', 'Subtitles 3', false, false],
    ]);
    for (const { url, language } of textTracks) {
      expect(await textAt(url)).toContain(language === 'de' ? '<i>Guten</i> Tag &amp; willkommen' : '\nHello\n');
    }
    expect(chapters).toBeNull();
  });

  it('that are forced, the default or for the hearing-impaired are announced as such', async () => {
    const { urls } = await answerFor('spoken.mkv');
    const lines = (await textAt(urls.hls)).split('\n').filter((line) => line.includes('TYPE=SUBTITLES'));
    const told = lines.map((line) => [/DEFAULT=(\w+)/, /FORCED=(\w+)/].map((one) => one.exec(line)?.[1]));
    expect(told).toEqual([
      ['NO', 'YES'],
      ['YES', 'NO'],
      ['NO', 'NO'],
    ]);
    expect(lines.map((line) => line.includes('transcribes-spoken-dialog'))).toEqual([false, true, true]);
    const sets = (await textAt(urls.dash)).split('<AdaptationSet').filter((set) => set.includes('contentType="text"'));
    const roles = sets.map((set) => [...set.matchAll(/role:2011" value="([\w-]+)"/g)].map(([, role]) => role));
    expect(roles).toEqual([['forced-subtitle'], ['caption', 'main'], ['caption']]);
  });

  it('that are pictures are left out, and administrators are told so', async () => {
    const { textTracks } = await answerFor('pictures.mkv');
    expect(textTracks.map(({ label }) => label)).toEqual(['English SDH', 'Subtitles 3']);
    const { body } = await askAsAdmin(site.app, site.editor, `/assets/${assets.get('pictures.mkv')}`);
    const job = assetsSchema.parse(body).data[0]?.jobs.find(({ kind }) => kind === 'texts');
    expect(job).toMatchObject({ state: 'done', reason: 'texts-left-out', sentence: expect.stringMatching(/left out/) });
  });

  it('chapters have an address of their own, and names that are plain text', async () => {
    const { chapters } = await answerFor('spoken.mp4');
    expect(chapters).toMatch(/\/chapters\.vtt$/);
    expect(await textAt(chapters)).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:03.000\nBeginning &lt;b&gt;&amp; more\n\n' +
        '00:00:03.000 --> 00:00:06.000\nEnd [CHAPTER]\n',
    );
  });

  it('a film without a picture has a waveform instead of pictures', async () => {
    const { waveform, poster } = await answerFor('sound.m4a');
    expect(poster).toBeNull();
    const { data, ...facts } = JSON.parse(await textAt(waveform)) as { data: number[]; length: number };
    expect(facts).toMatchObject({ version: 2, channels: 1, sample_rate: 44_100, samples_per_pixel: 441, bits: 8 });
    expect(data).toHaveLength(facts.length * 2);
    // A tone of an eighth of the full scale, from beginning to end.
    const [lows, highs] = [0, 1].map((of) => data.filter((_, at) => at % 2 === of).slice(10, 590));
    expect(lows?.every((low) => low >= -20 && low <= -12)).toBe(true);
    expect(highs?.every((high) => high >= 12 && high <= 20)).toBe(true);
    expect(Math.abs(facts.length - 600)).toBeLessThan(10);
    expect((await answerFor('spoken.mp4')).waveform).toBeNull();
  });

  it('HLS: the sound of both languages is listed with their names', async () => {
    const playlist = await textAt((await answerFor('spoken.mp4')).urls.hls);
    const sounds = playlist.split('\n').filter((line) => line.includes('TYPE=AUDIO'));
    expect(sounds.map((line) => [/NAME="(\w+)"/, /LANGUAGE="(\w+)"/].map((one) => one.exec(line)?.[1]))).toEqual([
      ['German', 'de'],
      ['English', 'en'],
    ]);
  });

  it('are refused without a credential, with a made-up one and with that of another video', async () => {
    const names = [`text/${uploaded}.vtt`, `hls/text/${uploaded}/media.m3u8`, `hls/text/${uploaded}/1.vtt`];
    const other = (await answerFor('spoken.mkv')).token;
    const own = (await answerFor('spoken.mp4')).token;
    const ask = async (credential: string, name: string) =>
      (await fetch(`${site.streamerUrl()}/v/${credential}/${name}`)).status;
    for (const name of names) {
      const statuses = [await ask('', name), await ask('x.y.z', name), await ask(other, name), await ask(own, name)];
      expect([name, ...statuses]).toEqual([name, 401, 403, 403, 200]);
    }
    for (const name of ['chapters.vtt', 'waveform.json']) {
      expect([name, await ask('', name), await ask('x.y.z', name)]).toEqual([name, 401, 403]);
    }
    for (const name of ['text/..%2f..%2ffilm.vtt', `text/${uploaded}.vtt%00`, `hls/text/${uploaded}/0.vtt`]) {
      expect([name, await ask(own, name)]).toEqual([name, 404]);
    }
  });

  describe.skipIf(!CHROMIUM)('in Chromium', () => {
    let host: BrowserHost;
    beforeAll(async () => {
      host = await openBrowserHost();
    });
    afterAll(() => host?.close());

    /** Text of the cues that are shown at a time, once there are any. */
    async function shownAt(page: Page, label: string, seconds: number): Promise<string> {
      await playerOf(page).evaluate(
        (player: HTMLVideoElement, [wanted, time]) => {
          for (const track of player.textTracks) track.mode = track.label === wanted ? 'showing' : 'disabled';
          player.pause();
          player.currentTime = time;
        },
        [label, seconds] as const,
      );
      const shown = () =>
        playerOf(page).evaluate((player: HTMLVideoElement) =>
          [...player.textTracks]
            .filter(({ mode }) => mode === 'showing')
            .flatMap(({ activeCues }) => [...(activeCues ?? [])].map((cue) => (cue as VTTCue).text))
            .join('|'),
        );
      await expect.poll(shown, { timeout: 20_000 }).not.toBe('');
      return shown();
    }

    it('hls.js lists texts and sounds of both languages, shows each cue at its time and changes the language', async () => {
      const page = await host.start('hls.js', (await answerFor('spoken.mp4')).urls.hls ?? '', 1);
      const tracks = () =>
        playerOf(page).evaluate((player: HTMLVideoElement) =>
          [...player.textTracks].map(({ label, language }) => `${label} ${language}`),
        );
      await expect.poll(async () => (await tracks()).toSorted()).toEqual(['English en', 'Français fr', 'German de']);
      expect(await shownAt(page, 'Français', 3.5)).toBe('Bonjour');
      expect(await shownAt(page, 'German', 1.5)).toBe('<i>Guten</i> Tag &amp; willkommen');
      expect(await shownAt(page, 'English', 4.5)).toBe('Bye');
      const languages = await page.evaluate(() =>
        (window as unknown as Seen).hls.audioTracks.map(({ name, lang }) => `${name} ${lang}`),
      );
      expect(languages).toEqual(['German de', 'English en']);
      await page.evaluate(() => {
        (window as unknown as Seen).hls.audioTrack = 1;
      });
      const currentTime = () => playerOf(page).evaluate((player: HTMLVideoElement) => player.currentTime);
      await playerOf(page).evaluate((player: HTMLVideoElement) => player.play());
      await expect.poll(currentTime, { timeout: 20_000 }).toBeGreaterThan(5.5);
      expect(await page.evaluate(() => (window as unknown as Seen).hls.audioTrack)).toBe(1);
      expect(await problemsOf(page)).toEqual([]);
    });

    it('DASH: shaka lists the same texts and sounds', async () => {
      const page = await host.start('shaka', (await answerFor('spoken.mp4')).urls.dash ?? '', 1);
      const listed = await page.evaluate(() => {
        const { shakaPlayer } = window as unknown as Seen;
        const texts = shakaPlayer.getTextTracks().map(({ language, label }) => `${label} ${language}`);
        return {
          texts: texts.sort(),
          sounds: shakaPlayer
            .getAudioTracks()
            .map(({ language }) => language)
            .sort(),
        };
      });
      expect(listed).toEqual({ texts: ['English en', 'Français fr', 'German de'], sounds: ['de', 'en'] });
      expect(await problemsOf(page)).toEqual([]);
    });
  });
});

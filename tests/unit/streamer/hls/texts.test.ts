import { describe, expect, it } from 'vitest';
import { formatManifest } from '../../../../streamer/src/dash/manifest';
import { formatMultivariantPlaylist } from '../../../../streamer/src/hls/multivariant-playlist';
import { formatTextPlaylist, formatTextSegment, textSegmentCount } from '../../../../streamer/src/hls/text-playlist';
import { playlistOf } from '../../../../streamer/src/http/playlists';
import { type ListedText, listedTexts } from '../../../../streamer/src/packager/listed-text';
import { audioTrack, videoTrack } from '../packager/track-fixture';

const file = { storageKey: 'films/film.mp4.vod/text-e1.vtt', sizeBytes: 2000, version: 'version-text' };
const granted = (id: string, label: string, changes = {}) => ({
  ...{ id, label, kind: 'subtitles' as const, language: 'de', default: false, file },
  ...changes,
});

const TEXTS: ListedText[] = listedTexts({
  textTracks: [
    granted('e1', 'Deutsch'),
    granted('e2', 'Deutsch', { default: true, kind: 'captions' }),
    granted('3f9a2b1c', 'Say "no",\u2028DEFAULT=YES', { language: 'und' }),
    granted('0000aaaa', 'Auch Deutsch', { default: true }),
    granted('e3', 'Schilder', { forced: true }),
    granted('chapters', 'Kapitel', { kind: 'chapters' }),
  ],
});

const playlist = (tracks = [videoTrack('source-v1'), audioTrack('source-a1')]) =>
  formatMultivariantPlaylist({ durationSeconds: 10, tracks }, TEXTS).split('\n');

describe('texts in the multivariant playlist', () => {
  it('are one group, with one default, and no two that a player which chooses by itself could not tell apart', () => {
    const lines = playlist().filter((line) => line.includes('TYPE=SUBTITLES'));
    const group = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text"';
    const sounds =
      'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"';
    expect(lines).toEqual([
      `${group},NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="text/e1/media.m3u8"`,
      `${group},NAME="Deutsch (2)",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,${sounds},URI="text/e2/media.m3u8"`,
      `${group},NAME="Say 'no', DEFAULT=YES",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="text/3f9a2b1c/media.m3u8"`,
      `${group},NAME="Auch Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=NO,FORCED=NO,URI="text/0000aaaa/media.m3u8"`,
      `${group},NAME="Schilder",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI="text/e3/media.m3u8"`,
    ]);
  });

  it('that are like the default one are not chosen in its place', () => {
    const texts = listedTexts({
      textTracks: [granted('e1', 'one'), granted('e2', 'two', { default: true }), granted('e3', 'three')],
    });
    const lines = formatMultivariantPlaylist({ durationSeconds: 10, tracks: [videoTrack('source-v1')] }, texts);
    const chosen = [...lines.matchAll(/NAME="(\w+)".*DEFAULT=(\w+),AUTOSELECT=(\w+)/g)].map(([, ...found]) =>
      found.join(' '),
    );
    expect(chosen).toEqual(['one NO NO', 'two YES YES', 'three NO NO']);
  });

  it('are named by every variant, also where there is sound alone', () => {
    const variants = (lines: string[]) => lines.filter((line) => line.startsWith('#EXT-X-STREAM-INF'));
    const rungs = [videoTrack('source-v1'), videoTrack('r480-v1'), audioTrack('source-a1')];
    for (const tracks of [rungs, [videoTrack('source-v1')], [audioTrack('source-a1')]]) {
      expect(variants(playlist(tracks)).every((line) => line.endsWith(',SUBTITLES="text"'))).toBe(true);
      expect(variants(playlist(tracks)).length).toBe(tracks.filter(({ kind }) => kind === 'video').length || 1);
    }
    expect(formatMultivariantPlaylist({ durationSeconds: 10, tracks: rungs })).not.toMatch(/SUBTITLES/);
  });
});

describe('playlists that are kept', () => {
  it('say what texts there are now, though the film is the same', () => {
    const presentation = { durationSeconds: 10, tracks: [videoTrack('source-v1')] };
    for (const kind of ['multivariant-playlist', 'manifest'] as const) {
      const told = (texts: ListedText[]) =>
        playlistOf({ presentation, texts, resource: { kind }, keys: null })?.bytes.toString().includes('text/');
      expect([told(TEXTS), told([]), told(TEXTS.slice(0, 1)), told([])]).toEqual([true, false, true, false]);
    }
  });
});

describe('the media playlist of a text', () => {
  it('covers the film in minutes, and its target duration is no less than any of them', () => {
    expect(formatTextPlaylist(125.5).split('\n').slice(2)).toEqual([
      ...['#EXT-X-TARGETDURATION:60', '#EXT-X-MEDIA-SEQUENCE:1', '#EXT-X-PLAYLIST-TYPE:VOD'],
      ...['#EXTINF:60.000,', '1.vtt', '#EXTINF:60.000,', '2.vtt', '#EXTINF:5.500,', '3.vtt', '#EXT-X-ENDLIST', ''],
    ]);
    expect(formatTextPlaylist(3.2)).toContain('#EXT-X-TARGETDURATION:4\n');
    expect(formatTextPlaylist(0)).toContain('1.vtt');
    expect(formatTextPlaylist(120)).not.toContain('3.vtt');
  });

  it('names no key, whatever the session', () => {
    expect(formatTextPlaylist(125.5)).not.toContain('KEY');
  });

  it('has in each segment every cue that is shown in it, with its whole time', () => {
    const cue = (startMs: number, endMs: number, text: string) => ({ startMs, endMs, settings: '', text });
    const cues = [
      cue(1000, 2000, 'first'),
      cue(59_000, 61_000, 'over the cut'),
      cue(60_000, 62_000, 'second'),
      cue(500_000, 501_000, 'after the film'),
    ];
    const count = textSegmentCount(125.5);
    const segments = [1, 2, 3].map((number) => formatTextSegment(cues, number, count));
    const head = 'WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n';
    expect(segments).toEqual([
      `${head}00:00:01.000 --> 00:00:02.000\nfirst\n\n00:00:59.000 --> 00:01:01.000\nover the cut\n`,
      `${head}00:00:59.000 --> 00:01:01.000\nover the cut\n\n00:01:00.000 --> 00:01:02.000\nsecond\n`,
      `${head}00:08:20.000 --> 00:08:21.000\nafter the film\n`,
    ]);
  });
});

describe('texts in the manifest', () => {
  const tracks = [videoTrack('source-v1'), audioTrack('source-a1')];
  const sets = [
    ...formatManifest({ durationSeconds: 10, tracks }, TEXTS).matchAll(/<AdaptationSet [\s\S]*?<\/AdaptationSet>/g),
  ].map(([set]) => set);

  it('are sets of their own behind those of the film, each one file', () => {
    expect(sets).toHaveLength(7);
    expect(sets[3]).toBe(
      [
        '<AdaptationSet id="3" contentType="text" mimeType="text/vtt" lang="de">',
        '      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="caption"/>',
        '      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>',
        '      <Label>Deutsch (2)</Label>',
        '      <Representation id="text-e2" bandwidth="1600">',
        '        <BaseURL>../text/e2.vtt</BaseURL>',
        '      </Representation>',
        '    </AdaptationSet>',
      ].join('\n'),
    );
    expect(sets[4]).toContain('<Label>Say &quot;no&quot;');
    expect([...(sets[6] ?? '').matchAll(/<Role [^>]*value="([^"]+)"/g)].map(([, role]) => role)).toEqual([
      'forced-subtitle',
    ]);
  });
});

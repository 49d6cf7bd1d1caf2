import { describe, expect, it } from 'vitest';
import { readWebVttCues, type TextTrackKind } from '../../../../server/contracts';
import { publishText } from '../../../../server/src/services/text-tracks/published-text';

const publish = (text: string | Buffer, kind: TextTrackKind = 'subtitles') => publishText(Buffer.from(text), kind);

function published(text: string | Buffer, kind?: TextTrackKind): string {
  const outcome = publish(text, kind);
  if ('problem' in outcome) throw new Error(JSON.stringify(outcome.problem));
  return outcome.webVtt.toString('utf8');
}

/** Text of a cue as it is published. */
const cue = (text: string) =>
  published(`WEBVTT\n\n00:01.000 --> 00:02.000\n${text}\n`).split('\n').slice(3).join('\n').trimEnd();

const SRT =
  '1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:01:00,5 --> 00:01:02,000 X1:1 X2:2\n{\\an8}<i>Über</i> & out\nhere\n';

describe('an uploaded text', () => {
  it('SubRip becomes WebVTT: times, references, positions on top', () => {
    const expected = [
      'WEBVTT\n',
      '00:00:01.000 --> 00:00:02.500\nHello\n',
      '00:01:00.500 --> 00:01:02.000 line:0\n<i>Über</i> &amp; out\nhere\n',
    ].join('\n');
    expect(published(SRT)).toBe(expected);
    const windows = Buffer.concat([Buffer.from('\ufeff'), Buffer.from(SRT.replaceAll('\n', '\r\n'))]);
    expect(published(windows)).toBe(expected);
  });

  it('WebVTT is written anew: no styles, regions, comments, names or foreign headers', () => {
    const text = [
      '\ufeffWEBVTT - a film\r\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\r\n',
      'STYLE\n::cue { background: url(https://tracker.example/x) }\n',
      'REGION\nid:r\n',
      'NOTE\nfor nobody\n',
      'name\n00:05.000 --> 00:06.000 align:start region:r position:10%,line-left onclick:x line:500%\nSecond\n',
      '00:01.000 --> 00:02.000\nFirst\n',
    ].join('\n');
    expect(published(text)).toBe(
      'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nFirst\n\n' +
        '00:00:05.000 --> 00:00:06.000 align:start position:10%,line-left\nSecond\n',
    );
  });

  it.each([
    ['<v Anna & Bo>Hi</v>', '<v Anna &amp; Bo>Hi</v>'],
    ['<c.yellow.loud>Hi', '<c.yellow.loud>Hi</c>'],
    ['<b><i>Hi</b></i>', '<b><i>Hi</i></b>'],
    ['<script>alert(1)</script>', 'alert(1)'],
    ['<img src=x onerror=alert(1)>Hi', 'Hi'],
    ['<b onclick="x">Hi</b>', '<b>Hi</b>'],
    ['<c."x>Hi', 'Hi'],
    ['1 < 2 --> 3 & 4', '1 &lt; 2 --&gt; 3 &amp; 4'],
    ['&lt;b&gt; &eacute; &#60;b&#x3e; &quot;&nbsp;&#0;', '&lt;b&gt; &amp;eacute; &lt;b&gt; "&nbsp;&amp;#0;'],
    ['<lang en>Hi</lang><00:00:01.500>there', '<lang en>Hi</lang><00:00:01.500>there'],
    ['<font color="red">\nHi\n</font>', 'Hi'],
    ['a\u0000b'.replace('\u0000', '\u0007'), 'a b'],
  ])('of %j is published %j', (text, expected) => {
    expect(cue(text)).toBe(expected);
    // What was published is published as it is.
    expect(cue(expected)).toBe(expected);
  });

  it('names of chapters are one plain line each', () => {
    const text = 'WEBVTT\n\n00:00.000 --> 00:10.000 align:start\n<b>The</b>\nbeginning\n';
    expect(published(text, 'chapters')).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nThe beginning\n');
  });

  it.each([
    ['', 'text-no-cues', null],
    ['WEBVTT\n', 'text-no-cues', null],
    ['WEBVTT\n\n00:01.000 --> 00:02.000\n<x>\n', 'text-no-cues', null],
    ['This is no film.\n', 'text-block-unclear', 1],
    ['WEBVTTX\n\n00:01.000 --> 00:02.000\nHi\n', 'text-block-unclear', 1],
    ['WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n\nand lost\n', 'text-block-unclear', 6],
    ['WEBVTT\n\n00:01 --> 00:02\nHi\n', 'text-times-unclear', 3],
    ['WEBVTT\n\n00:61.000 --> 00:62.000\nHi\n', 'text-times-unclear', 3],
    ['WEBVTT\n\n00:02.000 --> 00:01.000\nHi\n', 'text-times-backwards', 3],
    ['1\n00:00:02,000 -> 00:00:03,000\nHi\n', 'text-block-unclear', 1],
    [`WEBVTT\n\n00:01.000 --> 00:02.000\n${'x'.repeat(4001)}\n`, 'text-cue-too-long', 3],
    ['1\n00:00:01,000 --> 00:00:02,000\nHi\n\n'.repeat(20_001), 'text-too-many-cues', null],
    ['x'.repeat(1024 * 1024 + 1), 'text-too-large', null],
  ] as const)('%# is not taken', (text, code, line) => {
    expect(publish(text)).toEqual({ problem: { code, line } });
  });

  it.each([
    Buffer.from('WEBVTT\n\n00:01.000 --> 00:02.000\nH\u00e4\n', 'latin1'),
    Buffer.from(SRT, 'utf16le'),
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(SRT, 'utf16le')]),
  ])('in another encoding than UTF-8 is not taken (%#)', (bytes) => {
    expect(publish(bytes)).toEqual({ problem: { code: 'text-not-utf8', line: null } });
  });

  it('is read in a time that grows with its size alone', () => {
    const brackets = '<'.repeat(3000);
    const text = `WEBVTT\n\n${`00:01.000 --> 00:02.000\n${brackets}\n\n`.repeat(300)}`;
    const outcome = publish(text);
    if ('problem' in outcome) throw new Error('it should be taken');
    // Escaping makes it longer, and each cue stands for itself.
    const read = readWebVttCues(outcome.webVtt.toString('utf8'));
    expect('cues' in read && read.cues.length).toBe(300);
  });
});

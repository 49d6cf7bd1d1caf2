import { describe, expect, it } from 'vitest';
import { formatAttachment } from '../../../../streamer/src/progressive/content-disposition';

describe('the name of a download', () => {
  it.each([
    ['film.mp4', `attachment; filename="film.mp4"; filename*=UTF-8''film.mp4`],
    ['Übung 1.mp4', `attachment; filename="_bung 1.mp4"; filename*=UTF-8''%C3%9Cbung%201.mp4`],
    ['a"b\\c.mp4', `attachment; filename="a_b_c.mp4"; filename*=UTF-8''a%22b_c.mp4`],
    ["it's (1)*.mp4", `attachment; filename="it's (1)*.mp4"; filename*=UTF-8''it%27s%20%281%29%2A.mp4`],
    ['100%.mp4', `attachment; filename="100_.mp4"; filename*=UTF-8''100%25.mp4`],
    ['../../etc/passwd', `attachment; filename=".._.._etc_passwd"; filename*=UTF-8''.._.._etc_passwd`],
    ['a\r\nSet-Cookie: x', `attachment; filename="a__Set-Cookie: x"; filename*=UTF-8''a__Set-Cookie%3A%20x`],
    ['', `attachment; filename="video"; filename*=UTF-8''video`],
    ['\ud800.mp4', `attachment; filename="_.mp4"; filename*=UTF-8''%EF%BF%BD.mp4`],
  ])('%j', (name, expected) => {
    expect(formatAttachment(name)).toBe(expected);
  });
});

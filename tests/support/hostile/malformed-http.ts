import { randomBytes } from 'node:crypto';
import { upgrade } from './conversations';

const request = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
const get = (target: string, ...headers: string[]): Buffer =>
  request(`GET ${target} HTTP/1.1`, 'Host: 127.0.0.1', ...headers);

/** What a stranger can say to an HTTP port, by name. `session` is good; `mount`: where the streamer is found on that port. */
export function malformedHttp(session: string, mount = ''): Record<string, Buffer[]> {
  const under = (credential: string, resource: string) => `${mount}/v/${credential}/${resource}`;
  const film = under(session, 'mp4');
  const stream = under(session, 'live.flv');
  const afterUpgrade = (frame: string) => [upgrade(stream), Buffer.from(frame, 'hex')];
  return {
    noise: [randomBytes(4096)],
    'a greeting of TLS': [Buffer.from('16030102000100', 'hex'), randomBytes(500)],
    'a greeting of HTTP/2': [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    'a greeting of RTMP': [Buffer.from([3]), randomBytes(3072)],
    'a name with a space': [get('/live/a%20b.flv')],
    'a name with dots': [get('/live/%2e%2e%2fx.flv')],
    'a target with a null byte': [get(`${film}\0`)],
    'a target that is a star': [request('OPTIONS * HTTP/1.1', 'Host: 127.0.0.1')],
    'a target that is an address': [get(`http://127.0.0.1${film}`)],
    'a target of sixty thousand letters': [get(`/v/${'a'.repeat(60_000)}/mp4`)],
    'a header of sixty thousand letters': [get(film, `X-A: ${'a'.repeat(60_000)}`)],
    'two thousand headers': [get(film, ...Array.from({ length: 2000 }, (_, at) => `X-${at}: 1`))],
    'no host': [request(`GET ${film} HTTP/1.1`)],
    'a method of its own': [request(`FETCH ${film} HTTP/1.1`, 'Host: a')],
    CONNECT: [request('CONNECT 127.0.0.1:1 HTTP/1.1', 'Host: a')],
    'a body in two lengths': [request(`POST ${film} HTTP/1.1`, 'Host: a', 'Content-Length: 1', 'Content-Length: 2')],
    'a body in chunks and a length': [
      request(`POST ${film} HTTP/1.1`, 'Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked'),
      Buffer.from('0\r\n\r\nGET / HTTP/1.1\r\n\r\n'),
    ],
    'a chunk of endless size': [
      request(`POST ${film} HTTP/1.1`, 'Host: a', 'Transfer-Encoding: chunked'),
      Buffer.from('ffffffffffffffffff\r\n'),
    ],
    'an FLV file': [
      request(`POST ${stream} HTTP/1.1`, 'Host: a', 'Content-Length: 100000'),
      Buffer.from('464c5601050000000900000000', 'hex'),
      randomBytes(50_000),
    ],
    'an expectation': [get(film, 'Expect: 100-continue'), get(film, 'Expect: a miracle')],
    'a range before the start': [get(film, 'Range: bytes=-99999999999999999999')],
    'a range that is none': [get(film, 'Range: bytes=a-b,,--1')],
    'a thousand ranges': [get(film, `Range: bytes=${Array.from({ length: 1000 }, (_, at) => `${at}-${at}`)}`)],
    'a start that is no number': [get(`${stream}?start=1e999&start=-1&start=%00`)],
    'many addresses of one client': [get(film, `X-Forwarded-For: ${'::ffff:1.2.3.4.5, '.repeat(500)}`)],
    'six requests at once': Array.from({ length: 6 }, () => get(under(session, 'hls/source-v1/1.m4s'))),
    'ten requests behind a stream': [
      get(stream),
      ...Array.from({ length: 10 }, () => get(under(session, 'hls/main.m3u8'))),
    ],
    'a stream behind a request of no host': [Buffer.concat([request(`GET ${film} HTTP/1.1`), get(stream)])],
    'a stream behind an offer of another protocol': [
      Buffer.concat([get(film, 'Connection: Upgrade', 'Upgrade: h2c'), get(stream)]),
    ],
    'an upgrade behind a stream': [get(stream), upgrade(under('x', 'live.flv'))],
    'an upgrade behind a film': [get(film), upgrade(stream)],
    'an upgrade behind a refusal': [
      get(under('x', 'mp4')),
      upgrade(under('x', 'live.flv')),
      upgrade(under('x', 'live.flv')),
    ],
    'an upgrade to nothing': [upgrade(`${mount}/`)],
    'a refused upgrade and frames': [upgrade(under('x', 'live.flv')), randomBytes(200), randomBytes(200)],
    'an upgrade to no stream and frames': [upgrade(`${mount}/v/x/y`), randomBytes(200), randomBytes(200)],
    'an upgrade to a name with a space': [upgrade(`${mount}/a%20b/c.flv`)],
    'an upgrade of a film': [upgrade(film)],
    'an upgrade to another protocol': [get(stream, 'Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk')],
    'an upgrade without a key': [get(stream, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13')],
    'an upgrade of another version': [
      get(stream, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 7', 'Sec-WebSocket-Key: a'),
    ],
    'an upgrade of a publisher': [upgrade(stream, 'Sec-WebSocket-Protocol: post')],
    'an upgrade with compression and a body': [
      upgrade(stream, 'Sec-WebSocket-Extensions: permessage-deflate', 'Content-Length: 100'),
      randomBytes(100),
    ],
    'a frame without a mask': afterUpgrade('8103616263'),
    'a frame of unknown kind': afterUpgrade('8b8001020304'),
    'a frame of eight exabytes': afterUpgrade('82ff7fffffffffffffff01020304'),
    'a ping of 200 bytes': afterUpgrade(`89fe00c801020304${'00'.repeat(200)}`),
    'a continuation of nothing': afterUpgrade('008001020304'),
    'a text that is none': afterUpgrade('818201020304fefc'),
    'a close with half a code': afterUpgrade('88810102030400'),
    'a film in frames': afterUpgrade(`82fe100001020304${'00'.repeat(4096)}`),
  };
}

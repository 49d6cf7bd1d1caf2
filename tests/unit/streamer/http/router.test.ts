import { describe, expect, it } from 'vitest';
import { routeName, routeOf } from '../../../../streamer/src/http/router';

const ID = `ps_${'a'.repeat(40)}`;

describe('the request line', () => {
  it.each([
    ['GET', `/v/${ID}/mp4`, 'progressive'],
    ['HEAD', `/v/${ID}/mp4?x=/v/other`, 'progressive'],
    ['GET', `/v/${ID}/hls/source-v1/1.m4s`, 'segment'],
    ['GET', `/v/${ID}/../mp4`, 'unknown-resource'],
    ['GET', `/v/${ID}/%6dp4`, 'unknown-resource'],
    ['GET', `/v/${ID}/mp4/`, 'unknown-resource'],
    ['GET', `/v/${ID}//mp4`, 'unknown-resource'],
    ['GET', `/v/${ID}/hls\\main.m3u8`, 'unknown-resource'],
    ['GET', `//v/${ID}/mp4`, 'not-found'],
    ['GET', `/V/${ID}/mp4`, 'not-found'],
    ['GET', '/edge/authorize', 'edge'],
    ['GET', '/edge/authorize?x', 'not-found'],
    ['GET', '/edge/../edge/authorize', 'not-found'],
    ['GET', '/healthz', 'not-found'],
    ['GET', '/metrics', 'not-found'],
    ['GET', 'http://host/v/x/mp4', 'not-found'],
    ['GET', '*', 'not-found'],
    ['GET', `/v/${'a'.repeat(5000)}/mp4`, 'target-too-long'],
    ['POST', `/v/${ID}/mp4`, 'method-not-allowed'],
    ['DELETE', '/anything', 'method-not-allowed'],
    ['OPTIONS', `/v/${ID}/mp4`, 'preflight'],
    ['OPTIONS', '*', 'preflight'],
  ])('%s %s is %s', (method, target, name) => {
    expect(routeName(routeOf(method, target))).toBe(name);
  });
});

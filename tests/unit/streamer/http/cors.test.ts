import { describe, expect, it } from 'vitest';
import { createCors } from '../../../../streamer/src/http/cors';

const ORIGIN = 'access-control-allow-origin';

describe('S20 cross-origin access', () => {
  const cors = createCors(['https://site.example']);

  it('names a listed origin and varies by it', () => {
    expect(cors.headers('https://site.example')).toMatchObject({ [ORIGIN]: 'https://site.example', vary: 'Origin' });
  });

  it.each(['https://site.example.evil', 'http://site.example', 'null', undefined])(
    'permits nothing to %s',
    (origin) => {
      expect(cors.headers(origin)).toEqual({ vary: 'Origin' });
      expect(cors.preflightHeaders(origin)).toEqual({ vary: 'Origin' });
    },
  );

  it('reflects any origin where the settings say so, without credentials', () => {
    const headers = createCors(['*']).preflightHeaders('https://any.example');
    expect(headers[ORIGIN]).toBe('https://any.example');
    expect(headers['access-control-allow-headers']).toContain('Range');
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });
});

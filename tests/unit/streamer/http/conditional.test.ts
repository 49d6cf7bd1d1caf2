import { describe, expect, it } from 'vitest';
import { effectiveRange, evaluatePreconditions } from '../../../../streamer/src/http/conditional';

const ETAG = '"abc"';

describe('preconditions', () => {
  it.each([
    [{}, 'proceed'],
    [{ 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
    [{ 'if-none-match': '"x", "abc"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"' }, 'proceed'],
    [{ 'if-none-match': 'abc' }, 'proceed'],
    [{ 'if-match': '"abc"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-match': 'W/"abc"' }, 'failed'],
    [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'failed'],
    [{ 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }, 'proceed'],
    [{ 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 'proceed'],
  ] as const)('%j', (headers, expected) => {
    expect(evaluatePreconditions(headers, ETAG)).toBe(expected);
  });

  it('a Range counts only beside an If-Range with this very ETag', () => {
    const range = 'bytes=0-1';
    expect(effectiveRange({ range }, ETAG)).toBe(range);
    expect(effectiveRange({ range, 'if-range': ETAG }, ETAG)).toBe(range);
    expect(effectiveRange({ range, 'if-range': '"old"' }, ETAG)).toBeUndefined();
    expect(effectiveRange({ range, 'if-range': 'W/"abc"' }, ETAG)).toBeUndefined();
    expect(effectiveRange({ range, 'if-range': 'Fri, 01 Jan 2100 00:00:00 GMT' }, ETAG)).toBeUndefined();
  });
});

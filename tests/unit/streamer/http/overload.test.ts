import { expect, it } from 'vitest';
import { PackagingError } from '../../../../streamer/src/packager/packaging-error';
import { plainPackager, startSite } from '../access/harness';

it('a segment asked for while too many wait to be cut answers 503 with Retry-After', async () => {
  const segment = () => Promise.reject(new PackagingError('overloaded', 'too many tasks wait for a thread'));
  const site = await startSite({ overrides: { packager: { ...plainPackager, segment } } });
  const { sessionId } = await site.open();
  const { status, headers } = await site.ask(`/v/${sessionId}/hls/source-v1/1.m4s`);
  expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 503, retryAfter: '2' });
  await site.stop();
});

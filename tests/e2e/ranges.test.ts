import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clip } from '../support/clips';
import { freePort } from '../support/free-port';
import { createRandom } from '../support/hostile/random';
import { type LoneStreamer, startLoneStreamer } from '../support/lone-streamer';
import { rawRequest } from '../support/raw-request';
import { type ServerProcess, startServerProcess } from '../support/server-process';
import { NGINX } from '../support/tools';

const REQUESTS = 200;
/** The beginning of a film: more than one block, and of no round size. */
const SIZE_BYTES = 1_500_007;
const SEED = Number(process.env.RANGES_SEED ?? 8);

let directory: string;
let streamer: LoneStreamer;
let nginx: ServerProcess;
let film: string;
let plain: string;

const ask = (url: string, range: string) => rawRequest(url, { headers: { range } });

/** Range fields of every form: valid, at the edges, beyond them, reversed, several, malformed. */
function rangeFields(): string[] {
  const size = SIZE_BYTES;
  const { below, pick } = createRandom(SEED);
  const near = (edge: number): number => Math.max(0, edge - 3 + below(6));
  const part = (): string => {
    const first = below(size);
    return `${first}-${first + below(100_000)}`;
  };
  const forms: (() => string)[] = [
    () => `bytes=${part()}`,
    () => `bytes=${below(size)}-`,
    () => `bytes=-${1 + below(size)}`,
    () => `bytes=${near(size)}-`,
    () => `bytes=${near(size)}-${near(size + 10)}`,
    () => `bytes=-${near(size)}`,
    () => `bytes=0-${near(size)}`,
    () => `bytes=${below(10)}-${below(10)}`,
    () => `bytes=-${below(2)}`,
    () => `bytes=${size + below(1_000_000)}-`,
    () => `bytes=-${size + below(1_000_000)}`,
    () => `bytes=${part()}, ${part()}`,
    () => `bytes=0-0,-1`,
    () => `bytes=${size}-,-0`,
    () => pick(['bytes=', 'bytes=-', 'bytes=a-b', 'bytes 0-1', 'items=0-1', 'bytes=1', '0-1', 'bytes=0--1']),
    () => `bytes= ${below(100)}-${100 + below(100)} `,
    () => `bytes=${'9'.repeat(15 + below(10))}-`,
    () => `Bytes=${below(100)}-${100 + below(100)}`,
  ];
  return Array.from({ length: REQUESTS }, (_, at) => (forms[at % forms.length] as () => string)());
}

const specsOf = (field: string): string[] => field.replace(/^[^=]*=/, '').split(',');
const isBytes = (field: string): boolean => /^bytes=/i.test(field);

/**
 * Where RFC 9110 leaves the answer to the server and the two differ. Each says which requests it is about and what both may answer; a
 * request that none is about must be answered the same.
 */
const DIFFERENCES: { name: string; concerns(field: string): boolean; ours: number[]; nginx: number[] }[] = [
  {
    // §14.2: a server may ignore the field. No player asks for several, and many small parts are a way to amplify (§17.15).
    name: 'several ranges: we send the whole film, nginx multipart/byteranges or one coalesced range',
    concerns: (field) => isBytes(field) && specsOf(field).length > 1,
    ours: [200],
    nginx: [200, 206, 416],
  },
  {
    // §14.2: an invalid ranges-specifier may be ignored or answered 416.
    name: 'a malformed or reversed range: we ignore it, nginx answers 416',
    concerns: (field) => isBytes(field) && specsOf(field).length === 1 && isInvalid(field),
    ours: [200],
    nginx: [200, 416],
  },
];

function isInvalid(field: string): boolean {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(field);
  if (match === null) return true;
  const [, first = '', last = ''] = match;
  return (first === '' && last === '') || (first !== '' && last !== '' && BigInt(last) < BigInt(first));
}

async function startNginx(): Promise<void> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const conf = `daemon off; pid ${directory}/nginx.pid; user root; worker_processes 1; error_log ${directory}/error.log;
events { worker_connections 64; }
http {
  access_log off; types { video/mp4 mp4; }
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; root ${directory}/storage/films; }
}`;
  await writeFile(path.join(directory, 'nginx.conf'), conf);
  const args = ['-p', directory, '-c', path.join(directory, 'nginx.conf'), '-e', path.join(directory, 'start.log')];
  nginx = await startServerProcess({ file: NGINX ?? 'nginx', args, port });
  plain = `http://127.0.0.1:${port}/film.mp4`;
}

describe.skipIf(!NGINX)('byte ranges of /mp4 (needs nginx)', () => {
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-ranges-'));
    const storageRoot = path.join(directory, 'storage');
    await mkdir(path.join(storageRoot, 'films'), { recursive: true });
    await writeFile(path.join(storageRoot, 'films/film.mp4'), clip().subarray(0, SIZE_BYTES));
    await startNginx();
    streamer = await startLoneStreamer({ directory: path.join(directory, 'streamer'), storageRoot });
    film = `http://127.0.0.1:${streamer.port}/v/${streamer.openSession()}/mp4`;
  });

  afterAll(async () => {
    await streamer?.stop();
    await nginx?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it(`${REQUESTS} generated requests are answered as nginx answers them, seed ${SEED}`, async () => {
    console.log(`seed ${SEED}; another one: RANGES_SEED=…`);
    const met = new Set<string>();
    for (const field of rangeFields()) {
      const [ours, theirs] = await Promise.all([ask(film, field), ask(plain, field)]);
      const difference = DIFFERENCES.find(({ concerns }) => concerns(field));
      if (difference === undefined || ours.status === theirs.status) {
        expect([field, ours.status, ours.headers['content-range']]).toEqual([
          field,
          theirs.status,
          theirs.headers['content-range'],
        ]);
        if (ours.status !== 416) expect(ours.body.equals(theirs.body), field).toBe(true);
        continue;
      }
      met.add(difference.name);
      expect([field, difference.ours], difference.name).toEqual([field, expect.arrayContaining([ours.status])]);
      expect([field, difference.nginx], difference.name).toEqual([field, expect.arrayContaining([theirs.status])]);
      if (ours.status === 200) expect(ours.body.length, field).toBe(SIZE_BYTES);
    }
    console.log(`differences met: ${[...met].join('; ')}`);
  });

  it('416 tells the size as nginx does, and has no bytes of the film', async () => {
    const [ours, theirs] = await Promise.all([ask(film, `bytes=${SIZE_BYTES}-`), ask(plain, `bytes=${SIZE_BYTES}-`)]);
    expect([ours.status, ours.headers['content-range']]).toEqual([theirs.status, theirs.headers['content-range']]);
    expect(ours.body).toHaveLength(0);
  });
});

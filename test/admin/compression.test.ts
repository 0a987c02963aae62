// Answers in gzip: to which clients, which answers, and how many at a time.

import { request } from 'node:http';
import t from 'tap';
import { gunzipSync } from 'node:zlib';
import {
  acceptsGzip,
  Compression,
  COMPRESSED_BYTES_MIN,
  COMPRESSIONS_MAX,
} from '../../src/admin/compression.ts';
import type { Address } from '../../src/base/address.ts';
import { startAdmin } from './support/admin-house.ts';

const LARGE = 'up 1\n'.repeat(COMPRESSED_BYTES_MIN);

t.test('gzip is used if the client names it, and not with the weight 0', async (t) => {
  for (const header of ['gzip', 'GZIP', 'deflate, gzip', 'gzip;q=0.5', 'br;q=1, gzip ; q=1']) {
    t.ok(acceptsGzip(header), header);
  }
  for (const header of [undefined, '', 'deflate', 'gzip;q=0', 'gzip; q=0.000', 'x-gzip', '*']) {
    t.notOk(acceptsGzip(header), header ?? 'none');
  }
});

t.test('an answer is compressed from its smallest size on', async (t) => {
  const compression = new Compression();
  const body = 'x'.repeat(COMPRESSED_BYTES_MIN);
  t.equal(compression.compressed(body.slice(1), 'gzip'), null);
  t.equal(compression.compressed(body, undefined), null);
  const bytes = await compression.compressed(body, 'gzip');
  t.equal(gunzipSync(bytes ?? '').toString(), body);
});

t.test('at most so many are compressed at a time, and one more after one has ended', async (t) => {
  const compression = new Compression();
  const all = Array.from({ length: COMPRESSIONS_MAX }, () => compression.compressed(LARGE, 'gzip'));
  t.equal(compression.compressed(LARGE, 'gzip'), null);
  for (const one of all) t.ok(await one);
  t.ok(await compression.compressed(LARGE, 'gzip'));
});

interface Raw {
  readonly encoding: string | undefined;
  readonly vary: string | undefined;
  readonly length: number;
  readonly body: Buffer;
}

function get(place: Address, path: string, method: string, accepted?: string): Promise<Raw> {
  const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
  return new Promise((resolve, reject) => {
    request({ ...place, path, method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        resolve({
          encoding: response.headers['content-encoding'],
          vary: response.headers.vary,
          length: Number(response.headers['content-length']),
          body: Buffer.concat(pieces),
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}

t.test('large answers are sent in gzip, to GET and where it is accepted', async (t) => {
  const { address } = await startAdmin(t, { render: async () => LARGE });
  const gzipped = await get(address, '/metrics', 'GET', 'gzip');
  t.match(gzipped, { encoding: 'gzip', vary: 'Accept-Encoding', length: gzipped.body.length });
  t.equal(gunzipSync(gzipped.body).toString(), LARGE);
  const plain = await get(address, '/metrics', 'GET');
  t.match(plain, { encoding: undefined, vary: 'Accept-Encoding', length: LARGE.length });
  t.equal(plain.body.toString(), LARGE);
  t.match(await get(address, '/metrics', 'HEAD', 'gzip'), {
    encoding: undefined,
    length: LARGE.length,
  });
  t.match(await get(address, '/livez', 'GET', 'gzip'), { encoding: undefined });
});

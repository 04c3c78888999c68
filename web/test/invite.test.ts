import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsQR from 'jsqr';
import { encode } from 'uqr';
import { pathOf } from '../src/meeting/invite';

/** The modules that a path of pathOf covers. */
function covered(path: string, size: number): boolean[][] {
  const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  for (const [, x = '', y = '', width = ''] of path.matchAll(/M(\d+) (\d+)h(\d+)v1H\1z/g)) {
    const row = rows[Number(y)];
    assert.ok(row);
    for (let i = 0; i < Number(width); i++) row[Number(x) + i] = true;
  }
  return rows;
}

/** What a camera reads of modules that are four pixels wide. */
function read(rows: boolean[][]): string | undefined {
  const scale = 4;
  const width = rows.length * scale;
  const pixels = new Uint8ClampedArray(width * width * 4);
  for (let i = 0; i < width * width; i++) {
    const dark = rows[Math.floor(i / width / scale)]?.[Math.floor((i % width) / scale)];
    pixels.set([dark ? 0 : 255, dark ? 0 : 255, dark ? 0 : 255, 255], i * 4);
  }
  return jsQR(pixels, width, width)?.data;
}

test('the code that is drawn leads to the meeting', () => {
  for (const link of [
    'https://meet.example/m/abc-defg-hij',
    `https://${'long.'.repeat(20)}example:8443/m/abc-defg-hij`,
  ]) {
    const { data, size } = encode(link, { ecc: 'M', border: 2 });
    const drawn = covered(pathOf(data), size);
    assert.deepEqual(drawn, data);
    assert.equal(read(drawn), link);
  }
});

// Takes the pictures of the README: `npm run screenshots`. The bouncer in them is made up, so that the
// same code gives the same pictures.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { buildPage } from '../../../page/build.ts';
import { PageFiles } from '../../../src/admin/page-files.ts';
import { SystemClock } from '../../../src/base/clock.ts';
import { adminServer } from '../../admin/support/admin-house.ts';
import { launchChromium } from '../../support/chromium.ts';
import { findProgram } from '../../support/find-faktory.ts';
import { crowd } from './crowd.ts';

const PICTURES = [
  { name: 'status-page-light', colorScheme: 'light', viewport: { width: 1200, height: 1000 } },
  { name: 'status-page-dark', colorScheme: 'dark', viewport: { width: 1200, height: 1000 } },
  { name: 'status-page-phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

const IMAGES = new URL('../../../docs/images/', import.meta.url);
/** The pictures show this many updates after the first. */
const UPDATES = 2;

type Picture = (typeof PICTURES)[number];

async function take(browser: Browser, url: string, picture: Picture): Promise<void> {
  const { name, colorScheme, viewport } = picture;
  const context = await browser.newContext({ colorScheme, viewport });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole('heading', { name: 'Workers' }).waitFor();
  await page.evaluate(`new Promise((resolve) => {
    let updates = 0;
    new EventSource('api/events').addEventListener('update', () => {
      updates += 1;
      if (updates > ${UPDATES}) resolve();
    });
  })`);
  await page.screenshot({ path: fileURLToPath(new URL(`${name}.png`, IMAGES)) });
  await context.close();
}

async function main(program: string): Promise<void> {
  const clock = new SystemClock();
  const folder = mkdtempSync(join(tmpdir(), 'fb-page-'));
  const directory = pathToFileURL(`${folder}/`);
  await buildPage(directory);
  const now = (): number => clock.now();
  const operated = crowd({ clients: 1720, perWorker: 24, now, wallMs: () => clock.wallMs() });
  const admin = adminServer({ operated, page: new PageFiles(directory) }, []);
  const place = await admin.listen({ host: '127.0.0.1', port: 0 });
  const browser = await launchChromium(program);
  const url = `http://127.0.0.1:${'port' in place ? place.port : 0}/`;
  for (const picture of PICTURES) await take(browser, url, picture);
  await browser.close();
  await admin.close();
  rmSync(folder, { recursive: true });
}

const program = findProgram('chromium');
if (program === undefined) throw new Error('Cannot take pictures: found no chromium on PATH');
await main(program);

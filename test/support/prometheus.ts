// Debian's promtool and Prometheus. Promise: what is started here is gone when its test ends, and
// listens on loopback only.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { findProgram } from './find-faktory.ts';
import { freePort } from './free-port.ts';
import { STARTS_MS, until } from './waiting.ts';

/** Why tests that need it are left out; false where they are not. In CI a missing Prometheus fails. */
export const prometheusIsMissing: string | false =
  (findProgram('promtool') !== undefined && findProgram('prometheus') !== undefined) ||
  process.env['CI'] === 'true'
    ? false
    : 'Prometheus is not installed: apt-get install prometheus';

export interface ToolResult {
  readonly status: number | null;
  readonly output: string;
}

/** Runs promtool with `input` on its standard input. */
export function promtool(args: readonly string[], input = ''): ToolResult {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { input });
  if (error !== undefined) throw new Error(`Cannot run promtool: ${error.message}`);
  return { status, output: `${stdout.toString()}${stderr.toString()}` };
}

/** One series of an answer: its labels, and its value at the instant of the query. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly Series[] };
}

export class Prometheus {
  readonly url: string;

  /** Scrapes `targets` (host:port) each second, with the rules of `ruleFile`. */
  static async start(
    t: Pick<Test, 'teardown'>,
    targets: readonly string[],
    ruleFile: string,
  ): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const config = join(directory, 'prometheus.yml');
    writeFileSync(config, JSON.stringify(configuration(targets, ruleFile)));
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    const gone = once(child, 'close');
    t.teardown(async () => {
      child.kill('SIGTERM');
      await gone;
    });
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`);
    await until(() => prometheus.#isReady(), { what: 'Prometheus', withinMs: STARTS_MS });
    return prometheus;
  }

  private constructor(url: string) {
    this.url = url;
  }

  /** What `expression` gives now; fails with Prometheus's words for one that it cannot read. */
  async query(expression: string): Promise<readonly Series[]> {
    const body = new URLSearchParams({ query: expression });
    const response = await fetch(`${this.url}/api/v1/query`, { method: 'POST', body });
    const answer = (await response.json()) as Answer;
    if (answer.data === undefined) throw new Error(`${expression}: ${answer.error}`);
    return answer.data.result;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/-/ready`)).ok;
    } catch {
      return false;
    }
  }
}

function configuration(targets: readonly string[], ruleFile: string): object {
  return {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [ruleFile],
    scrape_configs: [{ job_name: 'faktory-bouncer', static_configs: [{ targets }] }],
  };
}

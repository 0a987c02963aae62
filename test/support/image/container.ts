// One run of the image by crun, as strictly as Kubernetes' `restricted` level asks: the image's own user,
// no capabilities, no new privileges, a read-only root, and a network of its own.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until, within } from '../waiting.ts';
import type { ImageConfig } from './image.ts';

const ID = 'faktory-bouncer';
const WAIT_MS = 60_000;
/** limits.clients + limits.server_connections + 1128 must fit. */
const OPEN_FILES = 4096;
const UNSHARE = 'unshare';
/** crun refuses machines with control groups of both versions; so it sees the second only. */
const WITH_CGROUP2 = 'mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null; exec "$0" "$@"';
const LIMITS = ['FAKTORY_BOUNCER_LIMITS_CLIENTS=1000'];

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

export class Container {
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #process: object;
  #log = '';

  /** `program` instead of the image's entrypoint; `directory`: for the bundle and crun's state. */
  constructor(directory: string, rootfs: string, config: ImageConfig, program?: readonly string[]) {
    this.#directory = directory;
    mkdirSync(join(directory, 'bundle'), { recursive: true });
    this.#process = processOf(config, program ?? config.Entrypoint);
    const bundle = bundleOf(rootfs, this.#process);
    writeFileSync(join(directory, 'bundle/config.json'), JSON.stringify(bundle));
    const args = this.#crun('run', '--bundle', join(directory, 'bundle'), ID);
    this.#child = spawn(UNSHARE, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (bytes: Buffer) => (this.#log += bytes.toString('utf8')));
    this.#child.stderr?.on('data', (bytes: Buffer) => (this.#log += bytes.toString('utf8')));
    this.#closed = once(this.#child, 'close');
  }

  /** What it has written. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when it has written what the pattern finds. */
  async said(pattern: RegExp): Promise<void> {
    await until(
      () => {
        if (pattern.test(this.#log)) return true;
        if (this.#child.exitCode !== null) throw new Error(`The container ended:\n${this.#log}`);
        return false;
      },
      { what: `the container to say ${String(pattern)}`, withinMs: WAIT_MS },
    );
  }

  /** Runs a program beside the first, with the same rights. */
  exec(args: readonly string[]): Ran {
    const file = join(this.#directory, 'process.json');
    writeFileSync(file, JSON.stringify({ ...this.#process, args }));
    const { status, stdout, stderr } = spawnSync(
      UNSHARE,
      this.#crun('exec', '--process', file, ID),
      {
        encoding: 'utf8',
      },
    );
    return { status, output: `${stdout}${stderr}`.trim() };
  }

  /** Sends the signal to process 1. */
  signal(name: string): void {
    spawnSync(UNSHARE, this.#crun('kill', ID, name));
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number | null> {
    await within(this.#closed, WAIT_MS, () => `the container to end; it said\n${this.#log}`);
    return this.#child.exitCode;
  }

  /** Ends it, however it is. */
  remove(): void {
    spawnSync(UNSHARE, this.#crun('delete', '--force', ID));
  }

  /** Arguments of unshare. */
  #crun(...args: readonly string[]): string[] {
    const crun = ['crun', '--root', join(this.#directory, 'state'), '--cgroup-manager=disabled'];
    return ['--mount', 'sh', '-c', WITH_CGROUP2, ...crun, ...args];
  }
}

/** The OCI runtime's description of the program. */
function processOf(config: ImageConfig, args: readonly string[]): object {
  const [uid, gid] = config.User.split(':').map(Number);
  return {
    user: { uid, gid },
    args,
    env: [...config.Env, ...LIMITS],
    cwd: config.WorkingDir,
    capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
    noNewPrivileges: true,
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: OPEN_FILES, soft: OPEN_FILES }],
  };
}

/** Its description of the container around the program. */
function bundleOf(rootfs: string, program: object): object {
  const devOptions = ['nosuid', 'strictatime', 'mode=755', 'size=65536k'];
  return {
    ociVersion: '1.0.0',
    root: { path: rootfs, readonly: true },
    process: program,
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: devOptions },
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
    },
  };
}

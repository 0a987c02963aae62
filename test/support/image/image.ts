// The image, built from the project's own Dockerfile by buildah on a stand-in base. Promise: nothing of
// it stays on the machine, no registry of images is asked, and a machine that cannot build it is told apart from a Dockerfile that is
// wrong.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../find-faktory.ts';
import { BASE_CERTIFICATES, makeStandInBase } from './stand-in-base.ts';

const ROOT = join(import.meta.dirname, '../../..');
const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
/** Where npm in the image finds the cache of this machine while it builds. */
const CACHE = '/npm-cache';
/** Names of images are looked up on this machine only. */
const REGISTRIES = 'unqualified-search-registries = ["localhost"]\n';
const OUTPUT_SHOWN = 3000;

/** As much of Docker's description of an image as is used here. */
export interface ImageConfig {
  readonly User: string;
  readonly WorkingDir: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly StopSignal: string;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/** Why this machine cannot do it, in one sentence. */
export class MachineCannot extends Error {}

export class ImageBuilder {
  /** For whoever runs what was built. */
  readonly directory = mkdtempSync(join(tmpdir(), 'image-'));
  readonly #driver: 'overlay' | 'vfs';

  constructor() {
    writeFileSync(this.#place('registries.conf'), REGISTRIES);
    mkdirSync(this.#place('no-registries'));
    // A directory that is an overlay itself bears no other; vfs copies, and is always there.
    this.#driver = this.#run('overlay', ['info']).status === 0 ? 'overlay' : 'vfs';
  }

  remove(): void {
    // Its own mounts first, if there are any.
    this.#run(this.#driver, ['unmount', '--all']);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Throws MachineCannot where buildah, its rights, or npm's registry are missing. */
  makeBase(): void {
    if (process.getuid?.() !== 0) throw new MachineCannot('this needs root');
    for (const program of ['buildah', 'crun', 'ldd', 'npm']) {
      if (findProgram(program) === undefined) throw new MachineCannot(`found no ${program}`);
    }
    const files = join(this.directory, 'base');
    try {
      makeStandInBase(files);
      const container = this.buildah('from', 'scratch');
      this.buildah('add', container, files, '/');
      const environment = {
        NODE_EXTRA_CA_CERTS: BASE_CERTIFICATES,
        npm_config_cache: CACHE,
        npm_config_registry: npm('registry'),
      };
      for (const [name, value] of Object.entries(environment)) {
        this.buildah('config', '--env', `${name}=${value}`, container);
      }
      this.buildah('run', '--isolation', 'chroot', container, '--', 'node', '--version');
      this.buildah('commit', '--rm', container, `localhost/${baseOf(DOCKERFILE)}`);
    } catch (error) {
      throw new MachineCannot(error instanceof Error ? error.message : String(error));
    }
  }

  /** Builds the Dockerfile as it is; returns the image's file system and its description. */
  build(): { readonly rootfs: string; readonly config: ImageConfig } {
    const cache = npm('cache');
    this.buildah(
      'bud',
      ...['--pull-never', '--isolation', 'chroot', '--layers=false', '--format', 'docker'],
      ...(cache === '' ? [] : ['--volume', `${cache}:${CACHE}`]),
      ...['--tag', 'faktory-bouncer', ROOT],
    );
    const described = this.buildah('inspect', '--type', 'image', 'faktory-bouncer');
    const { Docker } = JSON.parse(described) as {
      readonly Docker: { readonly config: ImageConfig };
    };
    const container = this.buildah('from', '--pull-never', 'faktory-bouncer');
    return { rootfs: this.buildah('mount', container), config: Docker.config };
  }

  /** Its output; throws with it where it fails. */
  buildah(...args: readonly string[]): string {
    const { status, stdout, stderr, error } = this.#run(this.#driver, args);
    if (status === 0) return stdout.trim();
    const said = `${stdout}${stderr}`.slice(-OUTPUT_SHOWN);
    throw new Error(`Cannot run buildah ${args.join(' ')}: ${error?.message ?? said}`);
  }

  #run(driver: string, args: readonly string[]) {
    const own = {
      root: this.#place('storage'),
      runroot: this.#place('run'),
      'storage-driver': driver,
      'registries-conf': this.#place('registries.conf'),
      'registries-conf-dir': this.#place('no-registries'),
    };
    const flags = Object.entries(own).map(([name, value]) => `--${name}=${value}`);
    return spawnSync('buildah', [...flags, ...args], { encoding: 'utf8' });
  }

  #place(name: string): string {
    return join(this.directory, name);
  }
}

/** The image that a Dockerfile begins with; the only one, as all stages name the same. */
function baseOf(dockerfile: string): string {
  const bases = new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(({ 1: base }) => base));
  const [base] = bases;
  if (base === undefined || bases.size > 1) throw new Error('The Dockerfile has several bases');
  return base;
}

/** A setting of npm on this machine. */
function npm(key: string): string {
  return spawnSync('npm', ['config', 'get', key], { encoding: 'utf8' }).stdout.trim();
}

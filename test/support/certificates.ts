// Certificates of a test's own, made by openssl in a folder of its own that goes with the test.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { findProgram, skipOrFail } from './find-faktory.ts';

export interface CertificateOptions {
  /** Default: localhost and 127.0.0.1. */
  readonly names?: string;
  /** Default 365; from now on. Below 0: it has expired. */
  readonly days?: number;
}

/** Paths of PEM files. */
export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
}

const NAMES = 'DNS:localhost,IP:127.0.0.1';

/** A CA, and what it signs. */
export class TestCa {
  /** Its certificate's path. */
  readonly file: string;
  readonly #folder: string;
  readonly #key: string;
  #made = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.file = join(folder, 'ca.pem');
    this.#key = join(folder, 'ca.key');
    this.#openssl(
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -days 3650`,
      ['-keyout', this.#key, '-out', this.file],
    );
  }

  get pem(): Buffer {
    return readFileSync(this.file);
  }

  /** A certificate that it has signed, and its key. */
  issue({ names = NAMES, days = 365 }: CertificateOptions = {}): PairFiles {
    this.#made += 1;
    const path = (extension: string): string => join(this.#folder, `${this.#made}.${extension}`);
    const pair = { certificate: path('pem'), key: path('key') };
    this.#openssl('req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=leaf', [
      ...['-addext', `subjectAltName=${names}`, '-keyout', pair.key, '-out', path('csr')],
    ]);
    this.#openssl(`x509 -req -copy_extensions copy -days ${days} -CAcreateserial`, [
      ...['-in', path('csr'), '-CA', this.file, '-CAkey', this.#key, '-out', pair.certificate],
    ]);
    return pair;
  }

  /** A file in its folder. */
  write(name: string, content: string | Buffer): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    return path;
  }

  #openssl(words: string, paths: readonly string[]): void {
    execFileSync('openssl', [...words.split(' '), ...paths], { stdio: 'pipe' });
  }
}

/** A CA for `t`; undefined after the test was skipped (failed, where CI=true), without openssl. */
export function requireCa(t: Pick<Test, 'pass' | 'fail' | 'teardown'>): TestCa | undefined {
  if (findProgram('openssl') === undefined) {
    skipOrFail(t, 'Cannot make certificates: found no openssl on PATH');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return new TestCa(folder);
}

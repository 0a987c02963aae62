// When certificates expire. Promise: one that expires within the warning time is reported at once and then
// once a day, until it is replaced.

import type { Clock, Timer } from '../base/clock.ts';

/** A certificate that is in force. */
export interface WatchedCertificate {
  /** The option that names its file. */
  readonly option: string;
  /** Unix ms. */
  readonly expiresAtMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const WARNING_DAYS = 14;

export class CertificateWatch {
  readonly #clock: Clock;
  readonly #expires: (option: string, days: number) => void;
  #certificates: readonly WatchedCertificate[] = [];
  #timer: Timer | null = null;

  /** `expires` hears the whole days that are left; below 0 the certificate has expired. */
  constructor(clock: Clock, expires: (option: string, days: number) => void) {
    this.#clock = clock;
    this.#expires = expires;
  }

  get certificates(): readonly WatchedCertificate[] {
    return this.#certificates;
  }

  /** Watches `certificates` instead of those before. */
  replace(certificates: readonly WatchedCertificate[]): void {
    this.stop();
    this.#certificates = certificates;
    if (certificates.length > 0) this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(): void {
    const now = this.#clock.wallMs();
    for (const { option, expiresAtMs } of this.#certificates) {
      const days = Math.floor((expiresAtMs - now) / DAY_MS);
      if (days < WARNING_DAYS) this.#expires(option, days);
    }
    this.#timer = this.#clock.after(DAY_MS, () => this.#look());
  }
}

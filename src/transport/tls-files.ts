// What the files of TLS held when they were read and checked. Promise: types alone; reading them is left
// to the configuration, so that a wrong file is a problem of it and changes nothing.

/** The oldest TLS that is spoken. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** PEM, and when the first of its certificates expires (Unix ms). */
export interface CertificateFile {
  readonly pem: Buffer;
  readonly expiresAtMs: number;
}

/** A certificate with the key that belongs to it. */
export interface KeyPair {
  readonly certificate: CertificateFile;
  readonly key: Buffer;
}

/** TLS towards clients. */
export interface ListenTls extends KeyPair {
  /** Who signs the certificates that clients must have; null: they need none. */
  readonly clientCa: CertificateFile | null;
  readonly minVersion: TlsVersion;
  /** What session tickets are encrypted with is made from it; null: from chance. */
  readonly ticketSecret: Buffer | null;
}

/** TLS towards Faktory. */
export interface ServerTls {
  /** Null: the well-known ones that Node brings. */
  readonly ca: CertificateFile | null;
  /** For a server that asks for a certificate. */
  readonly own: KeyPair | null;
}

// The files that TLS options name, read and checked. Promise: what cannot work is a problem that names
// the option, the file and the reason, and never quotes a key.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

import type { CertificateFile, KeyPair, ListenTls, ServerTls } from '../transport/tls-files.ts';
import type { Config } from './config.ts';
import type { OptionKey } from './options.ts';

/** Reads a file; may throw. */
type ReadFile = (path: string) => Uint8Array;

/** A file that cannot be used. */
class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
  readonly key: OptionKey;

  constructor(key: OptionKey, path: string, why: string) {
    super(`Cannot use ${key}: the file ${JSON.stringify(path)} ${why}`);
    this.key = key;
  }
}

/** Where a file is named, and its path. */
interface Named {
  readonly key: OptionKey;
  readonly path: string;
}

const FILE_BYTES_MAX = 1024 * 1024;
const TICKET_SECRET_BYTES_MIN = 48;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** What is wrong with the file that `key` names. */
export interface TlsFileProblem {
  readonly key: OptionKey;
  readonly text: string;
}

/** The Config with what the files hold that its TLS options name; else the first that cannot be used. */
export function withTlsFiles(
  config: Config,
  readFile: ReadFile,
): { readonly config: Config } | TlsFileProblem {
  const { listen, server } = config;
  try {
    const withClients = { ...listen.tls, loaded: readListenTls(listen, readFile) };
    const withFaktory = { ...server.tls, loaded: readServerTls(server, readFile) };
    return {
      config: {
        ...config,
        listen: { ...listen, tls: withClients },
        server: { ...server, tls: withFaktory },
      },
    };
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    return { key: error.key, text: `${error.message}.` };
  }
}

/** Null without a certificate: no TLS. Throws a TlsFileError. */
function readListenTls({ tls }: Config['listen'], readFile: ReadFile): ListenTls | null {
  if (tls.certificate === '') return null;
  const pair = readKeyPair(
    { key: 'listen.tls.certificate', path: tls.certificate },
    { key: 'listen.tls.key', path: tls.key },
    readFile,
  );
  const clientCa = readCertificates({ key: 'listen.tls.client_ca', path: tls.clientCa }, readFile);
  const ticketSecret = readTicketSecret(tls.ticketKeyFile, readFile);
  return { ...pair, clientCa, minVersion: tls.minVersion, ticketSecret };
}

/** Null without tcp+tls. Throws a TlsFileError. */
function readServerTls({ secure, tls }: Config['server'], readFile: ReadFile): ServerTls | null {
  if (!secure) return null;
  const certificate = { key: 'server.tls.certificate', path: tls.certificate } as const;
  const key = { key: 'server.tls.key', path: tls.key } as const;
  return {
    ca: readCertificates({ key: 'server.tls.ca', path: tls.ca }, readFile),
    own: tls.certificate === '' ? null : readKeyPair(certificate, key, readFile),
  };
}

function readKeyPair(certificateFile: Named, keyFile: Named, readFile: ReadFile): KeyPair {
  const certificate = readCertificates(certificateFile, readFile);
  if (certificate === null) throw wrong(certificateFile, 'is not named');
  const key = read(keyFile, readFile);
  const [leaf] = certificatesIn(certificateFile, certificate.pem);
  if (leaf?.checkPrivateKey(privateKeyIn(keyFile, key)) !== true) {
    throw wrong(
      keyFile,
      `does not belong to the certificate ${JSON.stringify(certificateFile.path)}`,
    );
  }
  try {
    createSecureContext({ cert: certificate.pem, key });
  } catch (error) {
    throw wrong(certificateFile, `is not accepted by OpenSSL (${codeOf(error)})`);
  }
  return { certificate, key };
}

/** Null for an empty path. */
function readCertificates(file: Named, readFile: ReadFile): CertificateFile | null {
  if (file.path === '') return null;
  const pem = read(file, readFile);
  const expiries = certificatesIn(file, pem).map(({ validToDate }) => validToDate.getTime());
  return { pem, expiresAtMs: Math.min(...expiries) };
}

function certificatesIn(file: Named, pem: Buffer): readonly X509Certificate[] {
  const blocks = pem.toString('latin1').match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw wrong(file, 'holds no PEM certificate');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw wrong(file, `holds a certificate that cannot be read (${codeOf(error)})`);
  }
}

function privateKeyIn(file: Named, pem: Buffer): KeyObject {
  if (pem.includes('ENCRYPTED')) throw wrong(file, 'has a passphrase; store the key without one');
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw wrong(file, `holds no PEM private key (${codeOf(error)})`);
  }
}

function readTicketSecret(path: string, readFile: ReadFile): Buffer | null {
  if (path === '') return null;
  const file = { key: 'listen.tls.ticket_key_file', path } as const;
  const secret = read(file, readFile);
  if (secret.length >= TICKET_SECRET_BYTES_MIN) return secret;
  throw wrong(
    file,
    `has ${secret.length} bytes; write at least ${TICKET_SECRET_BYTES_MIN} random ones`,
  );
}

function read(file: Named, readFile: ReadFile): Buffer {
  let bytes: Uint8Array;
  try {
    bytes = readFile(file.path);
  } catch (error) {
    throw wrong(file, `cannot be read (${codeOf(error)})`);
  }
  if (bytes.length > FILE_BYTES_MAX) throw wrong(file, `has more than ${FILE_BYTES_MAX} bytes`);
  return Buffer.from(bytes);
}

function wrong({ key, path }: Named, why: string): TlsFileError {
  return new TlsFileError(key, path, why);
}

/** OpenSSL's messages can hold pieces of the file; its codes do not. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

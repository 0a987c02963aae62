// Writes a software bill of materials: every package of the lock, as CycloneDX 1.6 JSON. `npm sbom`
// is not used: with --omit=dev it leaves out packages that development needs too.
//
// Usage: npm run --silent sbom [-- --omit-dev] > sbom.json

import { BUNDLED } from '../page/bundled.ts';
import { type Lock, type LockedPackage, readLock } from './lock-file.ts';

const IN_THE_PAGE: ReadonlySet<string> = new Set(BUNDLED);

/** The document; the same lock gives the same bytes. */
export function renderSbom({ name, version, packages }: Lock, omitDev: boolean): string {
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': 'root',
        name,
        version,
        purl: purl(name, version),
      },
    },
    components: packages.filter((one) => !omitDev || isShipped(one)).map(component),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The script of the status page holds some that npm takes for development's. */
function isShipped({ name, isDev }: LockedPackage): boolean {
  return !isDev || IN_THE_PAGE.has(name);
}

function component(locked: LockedPackage): object {
  const { name, version, licence, sha512, isOptional } = locked;
  return {
    type: 'library',
    'bom-ref': purl(name, version),
    name,
    version,
    scope: !isShipped(locked) ? 'excluded' : isOptional ? 'optional' : 'required',
    purl: purl(name, version),
    ...(sha512 === null ? {} : { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
    ...(licence === null ? {} : { licenses: [{ expression: licence }] }),
  };
}

/** A package URL of type npm; the @ of a scope is percent-encoded. */
function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => arg !== '--omit-dev');
  if (unknown === undefined) {
    process.stdout.write(renderSbom(readLock(process.cwd()), args.includes('--omit-dev')));
  } else {
    process.stderr.write(`Cannot use ${unknown}: the only option is --omit-dev.\n`);
    process.exitCode = 2;
  }
}

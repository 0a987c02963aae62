// The options that environment variables set. Promise: a variable that is not an option is never fatal,
// since Kubernetes sets FAKTORY_BOUNCER_PORT and others for a Service of that name.

import { TOKEN_VARIABLE } from './admin-token.ts';
import { OPTIONS, OPTION_KEYS, variableOf } from './options.ts';
import { nearest } from './suggest.ts';
import type { Entry } from './yaml-source.ts';

/** The process's environment, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file; read by the command line. */
export const CONFIG_VARIABLE = 'FAKTORY_BOUNCER_CONFIG';

/** Variables that are read and are not options. */
const NAMES: ReadonlySet<string> = new Set([CONFIG_VARIABLE, TOKEN_VARIABLE]);

const PREFIX = 'FAKTORY_BOUNCER_';
const KUBERNETES_NAME =
  /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** What the environment sets, and a warning for each variable that looks like an option. */
export function readEnvironment(environment: Environment): {
  readonly entries: readonly Entry[];
  readonly warnings: readonly string[];
} {
  const keys = new Map(OPTION_KEYS.map((key) => [variableOf(key), key]));
  const entries: Entry[] = [];
  const warnings: string[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith(PREFIX)) continue;
    const key = keys.get(variable);
    if (key !== undefined) {
      const value = OPTIONS[key].kind.fromText(text);
      entries.push({ key, value, origin: { kind: 'environment', variable } });
    } else if (!NAMES.has(variable) && !isFromKubernetes(variable, text)) {
      const near = nearest(variable.slice(PREFIX.length), [...keys.keys()].map(withoutPrefix));
      const meant = near === null ? 'Unset it.' : `Did you mean ${PREFIX}${near}?`;
      warnings.push(
        `The environment variable ${variable} is not an option; it has no effect. ${meant}`,
      );
    }
  }
  return { entries, warnings };
}

function withoutPrefix(variable: string): string {
  return variable.slice(PREFIX.length);
}

/** A plain …_PORT is told from a slip like FAKTORY_BOUNCER_LISTEN_PORT by its value. */
function isFromKubernetes(variable: string, text: string): boolean {
  if (KUBERNETES_NAME.test(variable)) return true;
  return variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text);
}

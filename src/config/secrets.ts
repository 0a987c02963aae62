// What no option holds in plain text: passwords and the operator token. Promise: each comes from where an
// operator put it, or is a problem that does not repeat it.

import { readAdminToken, TOKEN_VARIABLE } from './admin-token.ts';
import type { Config } from './config.ts';
import type { Environment } from './environment.ts';
import { readPassword, readPasswordFile } from './password.ts';
import type { Origin, Problem } from './problems.ts';

const PASSWORD_VARIABLE = 'FAKTORY_PASSWORD';

export interface SecretSources {
  readonly environment: Environment;
  readonly readFile: (path: string) => Uint8Array;
  /** Where an option was written. */
  readonly originOf: (
    key: 'admin.token_file' | 'listen.previous_password_file' | 'shared_limits.redis_password_file',
  ) => Origin;
}

export interface WithSecrets {
  readonly config: Config;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** `config` with its secrets; where one cannot be read, it is empty. */
export function withSecrets(config: Config, sources: SecretSources): WithSecrets {
  const { environment, readFile, originOf } = sources;
  const { server, admin, listen, sharedLimits } = config;
  const problems: Problem[] = [];
  const warnings: string[] = [];

  let { password } = server;
  if (password === '') {
    const read = readPassword(environment[PASSWORD_VARIABLE], readFile);
    if ('refused' in read)
      problems.push({ origin: variable(PASSWORD_VARIABLE), text: read.refused });
    else ({ password } = read);
    if ('warning' in read && read.warning !== null) warnings.push(read.warning);
  }

  const fromFile = (
    key: 'listen.previous_password_file' | 'shared_limits.redis_password_file',
    path: string,
  ): string => {
    const inFile = readPasswordFile(key, path, readFile);
    if ('password' in inFile) return inFile.password;
    problems.push({ origin: originOf(key), text: inFile.refused });
    return '';
  };
  const previousPassword = fromFile('listen.previous_password_file', listen.previousPasswordFile);
  const redisPassword = fromFile(
    'shared_limits.redis_password_file',
    sharedLimits.redisPasswordFile,
  );

  let token = '';
  const tokenText = environment[TOKEN_VARIABLE];
  const read = readAdminToken(tokenText, admin.tokenFile, readFile);
  if ('token' in read) {
    ({ token } = read);
  } else if (tokenText === undefined || tokenText === '') {
    const text = `Cannot use admin.token_file: ${read.refused}`;
    problems.push({ origin: originOf('admin.token_file'), text });
  } else {
    problems.push({ origin: variable(TOKEN_VARIABLE), text: read.refused });
  }

  return {
    config: {
      ...config,
      server: { ...server, password },
      listen: { ...listen, previousPassword },
      admin: { ...admin, token },
      sharedLimits: { ...sharedLimits, redisPassword },
    },
    problems,
    warnings,
  };
}

function variable(name: string): Origin {
  return { kind: 'environment', variable: name };
}

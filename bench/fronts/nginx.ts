// nginx with its stream module, one worker, the limits that a busy TCP proxy gets.

import { spawnSync } from 'node:child_process';
import { findProgram } from '../../test/support/find-faktory.ts';
import type { Address } from '../load/connection.ts';
import { PeerProcess } from './peer-process.ts';

const PROGRAM = 'nginx';

export interface NginxBuild {
  readonly version: string;
  /** The stream module's file, or null where it is built in. */
  readonly streamModule: string | null;
}

/** What is installed, or undefined where nginx or its stream module is not. */
export function nginxBuild(): NginxBuild | undefined {
  const program = findProgram(PROGRAM);
  if (program === undefined) return undefined;
  const said = spawnSync(program, ['-V'], { encoding: 'utf8' }).stderr;
  const build = nginxBuildIn(said);
  if (build === undefined || build.streamModule === null) return build;
  const tried = spawnSync(program, ['-t', '-g', `load_module ${build.streamModule};`], {
    encoding: 'utf8',
  });
  return /dlopen\(\).*failed/.test(tried.stderr) ? undefined : build;
}

/** Reads what `nginx -V` says. */
export function nginxBuildIn(text: string): NginxBuild | undefined {
  const version = /nginx\/(\S+)/.exec(text)?.[1];
  if (version === undefined) return undefined;
  if (/--with-stream(\s|$)/.test(text)) return { version, streamModule: null };
  const folder = /--modules-path=(\S+)/.exec(text)?.[1];
  if (folder === undefined || !text.includes('--with-stream=dynamic')) return undefined;
  return { version, streamModule: `${folder}/ngx_stream_module.so` };
}

export function startNginx(server: Address): Promise<PeerProcess> {
  const build = nginxBuild();
  if (build === undefined) throw new Error('Cannot start nginx: it has no stream module');
  return PeerProcess.start({
    name: 'nginx',
    program: PROGRAM,
    config: (port, folder) => nginxConfig({ port, folder, server, build }),
    args: (file, folder) => ['-c', file, '-p', folder, '-e', 'stderr'],
  });
}

export function nginxConfig(plan: {
  readonly port: number;
  readonly folder: string;
  readonly server: Address;
  readonly build: NginxBuild;
}): string {
  const { port, folder, server, build } = plan;
  const module = build.streamModule === null ? '' : `load_module ${build.streamModule};\n`;
  return `${module}daemon off;
pid ${folder}/pid;
error_log stderr warn;
worker_processes 1;
worker_rlimit_nofile 20000;
events {
  worker_connections 20000;
}
stream {
  server {
    listen 127.0.0.1:${port} backlog=4096;
    proxy_pass ${server.host}:${server.port};
    proxy_connect_timeout 5s;
    proxy_timeout 1h;
  }
}
`;
}

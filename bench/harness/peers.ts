// HAProxy and nginx as their manuals would have a TCP proxy: one thread or worker, time-outs longer than
// any FETCH, the limits that a busy one gets.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { findProgram } from '../../test/support/find-faktory.ts';
import type { Address, ProxyPlan } from './proxy.ts';

const CLIENTS_MAX = 20_000;
/** What HAProxy needs besides two files for each client. */
const OWN_FILES = 100;

export interface NginxBuild {
  readonly version: string;
  /** The stream module's file, or null where it is built in. */
  readonly streamModule: string | null;
}

/** HAProxy's version, or undefined where it is not installed. */
export function haproxyVersion(): string | undefined {
  if (findProgram('haproxy') === undefined) return undefined;
  return /version (\S+)/.exec(spawnSync('haproxy', ['-v'], { encoding: 'utf8' }).stdout)?.[1];
}

/** `pem`: a file with a certificate and its key, for TLS with clients; null: without TLS. */
export function haproxyPlan(server: Address, pem: string | null = null): ProxyPlan {
  const tls = pem === null ? '' : ` ssl crt ${pem}`;
  return {
    name: 'haproxy',
    program: 'haproxy',
    config: ({ port }) => haproxyConfig(`127.0.0.1:${port}${tls}`, server, openFilesMax()),
    // -db: one process, in the foreground.
    args: (file) => ['-db', '-f', file],
  };
}

/** It refuses to start with a maxconn for which it may not open enough files. */
export function haproxyConfig(bind: string, server: Address, filesMax: number): string {
  const clientsMax = Math.min(CLIENTS_MAX, Math.floor((filesMax - OWN_FILES) / 2));
  return `global
  nbthread 1
  maxconn ${clientsMax}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen bench
  bind ${bind} backlog 4096
  server faktory ${server.host}:${server.port}
`;
}

/** The hard limit, to which a process may raise its own. */
function openFilesMax(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}

/** What is installed, or undefined where nginx or its stream module is not. */
export function nginxBuild(): NginxBuild | undefined {
  if (findProgram('nginx') === undefined) return undefined;
  const build = nginxBuildIn(spawnSync('nginx', ['-V'], { encoding: 'utf8' }).stderr);
  if (build === undefined || build.streamModule === null) return build;
  const load = `load_module ${build.streamModule};`;
  const tried = spawnSync('nginx', ['-t', '-g', load], { encoding: 'utf8' });
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

export function nginxPlan(server: Address): ProxyPlan {
  const build = nginxBuild();
  if (build === undefined) throw new Error('Cannot start nginx: it has no stream module');
  return {
    name: 'nginx',
    program: 'nginx',
    config: ({ port, folder }) => nginxConfig({ port, folder, server, build }),
    args: (file, { folder }) => ['-c', file, '-p', folder, '-e', 'stderr'],
  };
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

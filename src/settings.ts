// The configuration as the rooms hold it. Promise: each room has one object from which it reads what
// can change while it works; applying another Config replaces all of them and drops no connection.

import { type ConfiguredLimits, Limits } from './admission/limits.ts';
import { AddressList } from './base/address-list.ts';
import { Live } from './base/live.ts';
import type { ClientSettings } from './client/client-parts.ts';
import type { Config } from './config/config.ts';
import { Guard } from './protocol/guard.ts';
import type { AdaptiveSettings } from './lanes/adaptation.ts';
import type { LaneSettings } from './lanes/lane-settings.ts';
import type { ConnectionLogSettings } from './observe/connection-log.ts';
import { secureDial } from './transport/server-tls.ts';
import type { WatchedCertificate } from './transport/certificate-watch.ts';
import type { ProxySettings } from './transport/proxy-stage.ts';
import type { ServerSettings } from './server/server-parts.ts';
import type { WriteSettings } from './server/write-health.ts';

/** What an operator can change about the bouncer as a whole. */
export interface BouncerSettings {
  readonly drainTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly reloadOnChange: boolean;
  readonly logLevel: Config['log']['level'];
  /** How often Faktory's Redis is asked for its INFO. */
  readonly redisIntervalMs: number;
}

export class Settings {
  readonly bouncer: Live<BouncerSettings>;
  readonly limits: Limits;
  readonly proxy: Live<ProxySettings>;
  readonly client: Live<ClientSettings>;
  readonly lanes: Live<LaneSettings>;
  readonly adaptive: Live<AdaptiveSettings>;
  readonly server: Live<ServerSettings>;
  readonly writes: Live<WriteSettings>;
  readonly connectionLog: Live<ConnectionLogSettings>;

  constructor(config: Config) {
    this.bouncer = new Live(bouncerSettings(config));
    this.limits = new Limits(configuredLimits(config), !config.observeOnly);
    this.proxy = new Live(proxySettings(config));
    this.client = new Live(clientSettings(config));
    this.lanes = new Live(laneSettings(config));
    this.adaptive = new Live(adaptiveSettings(config));
    this.server = new Live(serverSettings(config));
    this.writes = new Live(config.writes);
    this.connectionLog = new Live(connectionLogSettings(config));
  }

  /** From now on everything is as `config` says; it keeps what needs a restart (config/changes.ts). */
  apply(config: Config): void {
    this.bouncer.replace(bouncerSettings(config));
    this.proxy.replace(proxySettings(config));
    this.client.replace(clientSettings(config));
    this.lanes.replace(laneSettings(config));
    this.adaptive.replace(adaptiveSettings(config));
    this.server.replace(serverSettings(config));
    this.writes.replace(config.writes);
    this.connectionLog.replace(connectionLogSettings(config));
    // Last: a raised limit lets clients in at once, and they find the other settings in place.
    this.limits.apply(configuredLimits(config), !config.observeOnly);
  }
}

function bouncerSettings(config: Config): BouncerSettings {
  return {
    drainTimeoutMs: config.drainTimeoutMs,
    drainDelayMs: config.drainDelayMs,
    reloadOnChange: config.reloadOnChange,
    logLevel: config.log.level,
    redisIntervalMs: config.redis.intervalMs,
  };
}

function configuredLimits({ limits, waitingLine }: Config): ConfiguredLimits {
  return {
    clients: limits.clients,
    handshakes: limits.handshakes,
    serverConnections: limits.serverConnections,
    producerReserve: limits.producerReserve,
    fetchesInFlight: limits.fetchesInFlight,
    commandsInFlight: limits.commandsInFlight,
    perWorker: limits.perWorker,
    perAddress: limits.perAddress,
    waitingLine: waitingLine.size,
  };
}

function proxySettings({ listen }: Config): ProxySettings {
  return {
    proxyProtocol: listen.proxyProtocol,
    proxyTrusted: new AddressList(listen.proxyTrusted),
  };
}

export function clientSettings(config: Config): ClientSettings {
  return {
    maxCommandBytes: config.maxCommandBytes,
    refusalDelayMs: config.refusalDelayMs,
    handshakeTimeoutMs: config.handshakeTimeoutMs,
    openingTimeoutMs: config.waitingLine.timeoutMs,
    keepaliveMs: config.keepaliveMs,
    writeStallTimeoutMs: config.writeStallTimeoutMs,
    bufferedBytes: config.limits.bufferedBytes,
    idleTimeoutMs: config.limits.idleTimeoutMs,
    evict: config.limits.evict,
    password: config.server.password,
    previousPassword: config.listen.previousPassword,
    allow: new AddressList(config.listen.allow),
    deny: new AddressList(config.listen.deny),
    guard: guardOf(config),
    trustedAddresses: new AddressList(config.guard.trustedAddresses),
    trustedUsernames: new Set(config.guard.trustedUsernames),
    workerCommands: config.guard.workerCommands,
    addressCommands: config.guard.addressCommands,
    connectionRate: config.guard.connectionRate,
    workerConnections: config.guard.workerConnections,
    addressConnections: config.guard.addressConnections,
  };
}

function guardOf({ guard, mode }: Config): Guard {
  return new Guard({
    switches: {
      bare_verb: guard.bareVerb,
      queue_arguments: guard.queueArguments,
      reserved_queue: guard.reservedQueue,
      flush: guard.flush,
      mutate: guard.mutate,
      queue_remove: guard.queueRemove,
      payload_size: guard.payloadSize,
      command_rate: guard.commandRate,
    },
    payloadBytes: guard.payloadBytes,
    sharesConnections: mode === 'pooled',
  });
}

function laneSettings({ pool }: Config): LaneSettings {
  return {
    outageWaitMs: pool.outageWaitMs,
    bulkPush: pool.bulkPush,
    fetchesPerWorker: pool.fetchesPerWorker,
    fetchesPerWorkerMax: pool.fetchesPerWorkerMax,
    lingerMs: pool.lingerMs,
    holdMs: pool.holdMs,
  };
}

function adaptiveSettings({ limits }: Config): AdaptiveSettings {
  return { isOn: limits.adaptive, min: limits.adaptiveMin };
}

function serverSettings(config: Config): ServerSettings {
  const { address, tls } = config.server;
  return {
    address,
    local: { host: config.server.bindAddress, ports: config.server.sourcePorts },
    secure: secureDial(tls.loaded, tls.serverName === '' ? address.host : tls.serverName),
    password: config.server.password,
    connectTimeoutMs: config.server.connectTimeoutMs,
    answerTimeoutMs: config.server.answerTimeoutMs,
    infoIntervalMs: config.server.infoIntervalMs,
    keepaliveMs: config.keepaliveMs,
    writeStallTimeoutMs: config.writeStallTimeoutMs,
  };
}

function connectionLogSettings({ log }: Config): ConnectionLogSettings {
  const { connections, connectionsSample, connectionsPerSecond } = log;
  return { which: connections, sample: connectionsSample, perSecond: connectionsPerSecond };
}

/** The certificates that the files of `config` hold. */
export function watchedCertificates({ listen, server }: Config): readonly WatchedCertificate[] {
  const withClients = listen.tls.loaded;
  const withFaktory = server.tls.loaded;
  const files = [
    ['listen.tls.certificate', withClients?.certificate],
    ['listen.tls.client_ca', withClients?.clientCa],
    ['server.tls.ca', withFaktory?.ca],
    ['server.tls.certificate', withFaktory?.own?.certificate],
  ] as const;
  return files.flatMap(([option, file]) =>
    file === undefined || file === null ? [] : [{ option, expiresAtMs: file.expiresAtMs }],
  );
}

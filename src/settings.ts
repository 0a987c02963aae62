// The configuration as the rooms hold it. Promise: each room has one object from which it reads what
// can change while it works; applying another Config replaces all of them and drops nobody.

import { AddressList } from './base/address-list.ts';
import { type ConfiguredLimits, Limits } from './admission/limits.ts';
import { Live } from './base/live.ts';
import type { ClientSettings } from './client/client-parts.ts';
import type { Config } from './config/config.ts';
import type { LaneSettings } from './lanes/lane-settings.ts';
import { secureDial } from './transport/server-tls.ts';
import type { ProxySettings } from './transport/proxy-stage.ts';
import type { ServerSettings } from './server/server-parts.ts';
import type { WriteSettings } from './server/write-health.ts';

export class Settings {
  readonly limits: Limits;
  readonly proxy: Live<ProxySettings>;
  readonly client: Live<ClientSettings>;
  readonly lanes: Live<LaneSettings>;
  readonly server: Live<ServerSettings>;
  readonly writes: Live<WriteSettings>;

  constructor(config: Config) {
    this.limits = new Limits(configuredLimits(config), !config.observeOnly);
    this.proxy = new Live(proxySettings(config));
    this.client = new Live(clientSettings(config));
    this.lanes = new Live(laneSettings(config));
    this.server = new Live(serverSettings(config));
    this.writes = new Live(config.writes);
  }

  /** From now on everything is as `config` says, but for what needs a restart. */
  apply(config: Config): void {
    this.proxy.replace(proxySettings(config));
    this.client.replace(clientSettings(config));
    this.lanes.replace(laneSettings(config));
    this.server.replace(serverSettings(config));
    this.writes.replace(config.writes);
    // Last: a raised limit lets clients in at once, and they find the other settings in place.
    this.limits.apply(configuredLimits(config), !config.observeOnly);
  }
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

function clientSettings(config: Config): ClientSettings {
  return {
    maxCommandBytes: config.maxCommandBytes,
    refusalDelayMs: config.refusalDelayMs,
    handshakeTimeoutMs: config.handshakeTimeoutMs,
    openingTimeoutMs: config.waitingLine.timeoutMs,
    keepaliveMs: config.keepaliveMs,
    writeStallTimeoutMs: config.writeStallTimeoutMs,
    bufferedBytes: config.limits.bufferedBytes,
    idleTimeoutMs: config.limits.idleTimeoutMs,
    password: config.server.password,
  };
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

function serverSettings(config: Config): ServerSettings {
  return {
    address: config.server.address,
    local: { host: config.server.bindAddress, ports: config.server.sourcePorts },
    secure: secureDial(config.server.tls.loaded),
    password: config.server.password,
    connectTimeoutMs: config.server.connectTimeoutMs,
    infoIntervalMs: config.server.infoIntervalMs,
    keepaliveMs: config.keepaliveMs,
    writeStallTimeoutMs: config.writeStallTimeoutMs,
  };
}

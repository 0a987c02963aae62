// Each limit with its count, its peak and what is worth knowing beside it.

import type { ComponentChildren } from 'preact';
import type { State } from '../src/admin/schemas.ts';
import { Fact } from './fact.tsx';
import { bytes, count, duration } from './format.ts';
import { SharedLimit } from './shared-limit.tsx';

export function Gauges({ state }: { state: State }) {
  const { clients, server_connections: servers, fetches, waiting_line: waiting } = state;
  return (
    <section aria-label="Limits" class="gauges">
      <Gauge name="Client connections" {...clients}>
        {count(clients.by_role.worker)} of workers, {count(clients.by_role.producer)} of producers,{' '}
        {count(clients.unused)} unused
      </Gauge>
      <Gauge name="Server connections" {...servers}>
        {count(servers.producer_reserve)} kept from workers; Faktory counts{' '}
        {state.faktory.connections === null ? 'no answer' : count(state.faktory.connections)}
      </Gauge>
      <Gauge name="FETCHes in flight" {...fetches}>
        {count(fetches.waiting)} waiting in the bouncer
        {state.adaptation !== null && (
          <>
            ; adapted to {count(state.adaptation.fetches_in_flight)}, commands to{' '}
            {count(state.adaptation.commands_in_flight)}: Faktory takes{' '}
            {ms(state.adaptation.short_ms)}, usually {ms(state.adaptation.long_ms)}
          </>
        )}
      </Gauge>
      <Gauge name="Waiting line" {...waiting}>
        oldest <strong>{duration(waiting.oldest_seconds)}</strong>; {count(waiting.producers)}{' '}
        producers, {count(waiting.workers)} workers
      </Gauge>
      {state.shared_limit !== null && <SharedLimit {...state.shared_limit} />}
      <dl class="rest">
        <Fact name="Commands at Faktory">{count(state.commands.outstanding)}</Fact>
        <Fact name="Commands waiting">{count(state.commands.waiting)}</Fact>
        <Fact name="Writes held">{count(state.writes.held)}</Fact>
        <Fact name="Stray jobs">{count(state.stray_jobs)}</Fact>
        <Fact name="Buffered">{bytes(state.buffered_bytes.now)}</Fact>
        <Fact name="Enqueued">
          {state.faktory.enqueued === null ? '–' : count(state.faktory.enqueued)}
        </Fact>
      </dl>
    </section>
  );
}

interface GaugeProps {
  readonly name: string;
  readonly now: number;
  readonly peak: number;
  readonly limit: number;
  readonly children: ComponentChildren;
}

function Gauge({ name, now, peak, limit, children }: GaugeProps) {
  const share = limit === 0 ? 0 : Math.min(1, now / limit);
  const tone = share >= 1 ? 'bad' : share >= 0.8 ? 'warn' : 'good';
  return (
    <div class={`gauge ${tone}`}>
      <h2>{name}</h2>
      <p class="numbers">
        <strong>{count(now)}</strong> <span>peak {count(peak)}</span>{' '}
        <span>limit {count(limit)}</span>
      </p>
      <div
        class="meter"
        role="meter"
        aria-label={`${name} of the limit`}
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={Math.min(now, limit)}
        aria-valuetext={`${now} of ${limit}, peak ${peak}`}
      >
        <div class="fill" style={{ width: `${share * 100}%` }} />
        <div
          class="peak"
          style={{ left: `${limit === 0 ? 0 : Math.min(1, peak / limit) * 100}%` }}
        />
      </div>
      <p class="more">{children}</p>
    </div>
  );
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value} ms`;
}

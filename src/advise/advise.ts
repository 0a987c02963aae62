// `faktory-bouncer advise`: reads a bouncer, or a Prometheus, and says which limits fit. Promise: it changes
// nothing; standard output has the advice alone, and progress goes to standard error.

import type { Target } from '../admin/admin-client.ts';
import type { Facts } from './facts.ts';
import { findingsFor, findingsForAll } from './findings.ts';
import { factsOfBouncer } from './from-bouncer.ts';
import { factsOfPrometheus } from './from-prometheus.ts';
import { watchBouncer } from './read-bouncer.ts';
import { askPrometheus } from './read-prometheus.ts';
import { renderJson, renderText } from './render.ts';

/** A line of progress is printed so often. */
const PROGRESS_SECONDS = 10;

export interface AdviseOptions {
  /** Null: no bouncer is asked. */
  readonly bouncer: {
    readonly target: Target;
    readonly token: string;
    readonly forMs: number;
  } | null;
  /** Null: no Prometheus is asked. */
  readonly prometheus: { readonly url: URL; readonly sinceMs: number } | null;
  readonly json: boolean;
  /** Aborted: a watch ends early, with what was seen. */
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
  readonly progress: (text: string) => void;
}

/** Prints advice; resolves with the number of findings. Rejects where nothing can be read. */
export async function advise(options: AdviseOptions): Promise<number> {
  const past = await ofPrometheus(options);
  const facts = [...(await ofBouncer(options)), ...past];
  const advice = facts.map((one) => ({ facts: one, findings: findingsFor(one) }));
  // The bouncer that was asked may be one of those that Prometheus tells of.
  const all = findingsForAll(past);
  options.print(options.json ? renderJson(advice, all) : renderText(advice, all));
  return advice.reduce((sum, { findings }) => sum + findings.length, all.length);
}

async function ofBouncer({ bouncer, signal, progress }: AdviseOptions): Promise<readonly Facts[]> {
  if (bouncer === null) return [];
  const looks = await watchBouncer({
    ...bouncer,
    signal,
    onProgress: (leftMs) => {
      const left = Math.ceil(leftMs / 1000);
      if (left % PROGRESS_SECONDS === 0) progress(`Watching for ${left} s more`);
    },
  });
  return [factsOfBouncer(looks)];
}

async function ofPrometheus({ prometheus, signal }: AdviseOptions): Promise<readonly Facts[]> {
  if (prometheus === null) return [];
  const { url, sinceMs } = prometheus;
  const seconds = Math.max(60, Math.round(sinceMs / 1000));
  const facts = factsOfPrometheus(await askPrometheus(url, seconds, signal), shown(url), seconds);
  if (facts.length > 0) return facts;
  throw new Error(
    `Cannot advise from ${shown(url)}: it has no metrics of a faktory-bouncer. Let it scrape the admin address`,
  );
}

function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/$/, '')}`;
}

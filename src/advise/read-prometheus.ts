// Asks a Prometheus over its HTTP API. Promise: what is read is bounded in time; a failure says what was asked,
// what was found and what to do.

import { type Answers, queriesOver, type Series } from './from-prometheus.ts';

/** Prometheus itself gives up after two minutes. */
const TIMEOUT_MS = 130_000;

interface Answer {
  readonly status?: string;
  readonly error?: string;
  readonly data?: {
    readonly result?: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** What each query was answered, over the last `seconds`. */
export async function askPrometheus(
  url: URL,
  seconds: number,
  signal: AbortSignal,
): Promise<Answers> {
  const answers: [string, readonly Series[]][] = [];
  // One after another: a Prometheus that others use too is not flooded.
  for (const [name, query] of Object.entries(queriesOver(seconds))) {
    answers.push([name, await ask(url, query, signal)]);
  }
  return Object.fromEntries(answers) as Answers;
}

async function ask(url: URL, query: string, signal: AbortSignal): Promise<readonly Series[]> {
  const base = url.pathname.replace(/\/$/, '');
  const place = new URL(`${base}/api/v1/query`, url);
  try {
    const response = await fetch(place, {
      method: 'POST',
      body: new URLSearchParams({ query }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success')
      throw new Error(answer.error ?? `it answered ${response.status}`);
    return (answer.data?.result ?? []).flatMap(({ metric: labels, value: [, value] }) =>
      Number.isFinite(Number(value)) ? [{ labels, value: Number(value) }] : [],
    );
  } catch (error) {
    throw new Error(`Cannot ask Prometheus at ${place.origin}${base}: ${wordsFor(error)}`, {
      cause: error,
    });
  }
}

function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch() tells why only in the cause.
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ECONNREFUSED') return `nothing listens there (${code})`;
  if (error instanceof SyntaxError) return 'what answers is not a Prometheus';
  return code === '' ? error.message : code;
}

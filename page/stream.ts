// Where updates come from, and the lists that a filter asks for. Promise: a lost bouncer is asked again
// for as long as the page is open, and at most one answer for a filter is under way.

import type { History, List, Producer, State, Update, Worker } from '../src/admin/schemas.ts';
import { filter, producers, remember, take, trouble, workers } from './model.ts';

const AGAIN_MS = 5000;

export async function follow(): Promise<void> {
  try {
    const [history, state] = await Promise.all([
      get<History>('api/history'),
      get<State>('api/state'),
    ]);
    remember(history, state);
  } catch {
    // Only the past is missing.
  }
  listen();
}

function listen(): void {
  const events = new EventSource('api/events');
  events.addEventListener('update', ({ data }: MessageEvent<string>) => {
    trouble.value = '';
    take(JSON.parse(data) as Update);
    if (filter.value !== '') void search();
  });
  events.addEventListener('error', () => {
    trouble.value = 'The bouncer does not answer. What you see is old; this page tries again.';
    if (events.readyState !== EventSource.CLOSED) return;
    // Refused, as by a bouncer whose streams are all taken: the browser does not try again.
    setTimeout(listen, AGAIN_MS);
  });
}

let isSearching = false;

/** Gets the rows that contain the filter, of all that there are. */
export async function search(): Promise<void> {
  if (isSearching || filter.value === '') return;
  isSearching = true;
  const asked = filter.value;
  try {
    const query = `?limit=100&q=${encodeURIComponent(asked)}`;
    const [foundWorkers, foundProducers] = await Promise.all([
      get<List<Worker>>(`api/workers${query}`),
      get<List<Producer>>(`api/producers${query}`),
    ]);
    if (filter.value === asked) {
      workers.value = foundWorkers;
      producers.value = foundProducers;
    }
  } catch {
    // The stream tells when the bouncer cannot be reached.
  }
  isSearching = false;
  if (filter.value !== asked) await search();
}

async function get<Body>(path: string): Promise<Body> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as Body;
}

// The workers, in the words of Faktory's own Busy page.

import type { Worker } from '../src/admin/schemas.ts';
import { ask } from './acts.ts';
import { count, duration } from './format.ts';
import { workers } from './model.ts';
import { type Column, Table } from './table.tsx';

const COLUMNS: readonly Column<Worker>[] = [
  { name: 'ID', show: ({ wid }) => wid },
  { name: 'Name', show: ({ host }) => host },
  { name: 'PID', isNumber: true, isExtra: true, show: ({ pid }) => pid },
  { name: 'Labels', isExtra: true, show: ({ labels }) => labels.join(', ') },
  { name: 'Connections', isNumber: true, show: ({ connections }) => count(connections) },
  {
    name: 'Waiting',
    isNumber: true,
    show: ({ waiting, oldest_wait_seconds: oldest }) =>
      waiting === 0 ? '0' : `${count(waiting)}, ${duration(oldest)}`,
  },
  {
    name: 'FETCHes in flight',
    isNumber: true,
    isExtra: true,
    show: ({ fetches_in_flight: inFlight }) => count(inFlight),
  },
  {
    name: 'FETCHes waiting',
    isNumber: true,
    isExtra: true,
    show: ({ fetches_waiting: waiting }) => count(waiting),
  },
  { name: 'Commands', isNumber: true, isExtra: true, show: ({ commands }) => count(commands) },
  {
    name: 'Started',
    isNumber: true,
    show: ({ connected_seconds: seconds }) => `${duration(seconds)} ago`,
  },
  {
    name: 'Action',
    show: ({ wid, connections }) => (
      <button
        aria-label={`Disconnect worker ${wid}`}
        onClick={() =>
          ask({
            title: `Disconnect worker ${wid}`,
            effect: `Its connections (${count(connections)}) are closed at once. It may connect again.`,
            path: `api/disconnect?wid=${encodeURIComponent(wid)}`,
          })
        }
      >
        Disconnect
      </button>
    ),
  },
];

export function Workers() {
  return (
    <Table
      id="workers"
      title="Workers"
      list={workers.value}
      columns={COLUMNS}
      keyOf={({ wid }) => wid}
      isWaiting={({ waiting }) => waiting > 0}
    />
  );
}

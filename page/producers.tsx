// The producers, by the address that they come from.

import type { Producer } from '../src/admin/schemas.ts';
import { ask } from './acts.ts';
import { bytes, count, duration } from './format.ts';
import { producers } from './model.ts';
import { type Column, Table } from './table.tsx';

const COLUMNS: readonly Column<Producer>[] = [
  { name: 'Address', show: ({ address }) => address },
  { name: 'Connections', isNumber: true, show: ({ connections }) => count(connections) },
  {
    name: 'Waiting',
    isNumber: true,
    show: ({ waiting, oldest_wait_seconds: oldest }) =>
      waiting === 0 ? '0' : `${count(waiting)}, ${duration(oldest)}`,
  },
  {
    name: 'Outstanding',
    isNumber: true,
    isExtra: true,
    show: ({ outstanding }) => count(outstanding),
  },
  { name: 'Commands', isNumber: true, isExtra: true, show: ({ commands }) => count(commands) },
  {
    name: 'Received',
    isNumber: true,
    isExtra: true,
    show: ({ bytes_received: received }) => bytes(received),
  },
  {
    name: 'Started',
    isNumber: true,
    show: ({ connected_seconds: seconds }) => `${duration(seconds)} ago`,
  },
  {
    name: 'Action',
    show: ({ address }) => (
      <button
        aria-label={`Disconnect all from ${address}`}
        onClick={() =>
          ask({
            title: `Disconnect all from ${address}`,
            effect: 'All connections from this address, also those of workers, are closed at once.',
            path: `api/disconnect?address=${encodeURIComponent(address)}`,
          })
        }
      >
        Disconnect
      </button>
    ),
  },
];

export function Producers() {
  return (
    <Table
      id="producers"
      title="Producers"
      list={producers.value}
      columns={COLUMNS}
      keyOf={({ address }) => address}
      isWaiting={({ waiting }) => waiting > 0}
    />
  );
}

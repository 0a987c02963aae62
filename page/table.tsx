// A table of the worst rows. Promise: while the pointer or the keyboard is in it, rows keep their
// places, so that a button is not pulled away from under a click; their numbers go on.

import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { List } from '../src/admin/schemas.ts';
import { count } from './format.ts';

export interface Column<Row> {
  readonly name: string;
  readonly isNumber?: boolean;
  /** Left out on a narrow screen. */
  readonly isExtra?: boolean;
  readonly show: (row: Row) => ComponentChildren;
}

export interface TableProps<Row> {
  readonly id: string;
  readonly title: string;
  readonly list: List<Row>;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly isWaiting: (row: Row) => boolean;
}

export function Table<Row>({ id, title, list, columns, keyOf, isWaiting }: TableProps<Row>) {
  const [isHeld, setHeld] = useState(false);
  const order = useRef<readonly string[]>([]);
  const rows = isHeld ? inOrder(list.rows, order.current, keyOf) : list.rows;
  order.current = rows.map(keyOf);
  const hidden = list.total - rows.length;
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {title} <span class="total">{count(list.total)}</span>
      </h2>
      <div
        class="scroll"
        tabIndex={0}
        role="region"
        aria-label={`${title}, as a table`}
        onPointerEnter={() => setHeld(true)}
        onPointerLeave={() => setHeld(false)}
        onFocusIn={() => setHeld(true)}
        onFocusOut={() => setHeld(false)}
      >
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col" class={classOf(column)}>
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={keyOf(row)} class={isWaiting(row) ? 'warn' : ''}>
                {columns.map((column) => (
                  <td key={column.name} class={classOf(column)}>
                    {column.show(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {hidden > 0 ? <p>{count(hidden)} more that are less busy; a filter finds them.</p> : null}
      {list.total === 0 ? <p>None.</p> : null}
    </section>
  );
}

function classOf<Row>({ isNumber, isExtra }: Column<Row>): string {
  return `${isNumber === true ? 'number' : ''} ${isExtra === true ? 'extra' : ''}`.trim();
}

/** Rows that were there keep their order; new ones follow. */
function inOrder<Row>(
  rows: readonly Row[],
  order: readonly string[],
  keyOf: (row: Row) => string,
): readonly Row[] {
  const places = new Map(order.map((key, at) => [key, at]));
  const placeOf = (row: Row): number => places.get(keyOf(row)) ?? Infinity;
  return rows.toSorted((one, other) => {
    const [a, b] = [placeOf(one), placeOf(other)];
    return a === b ? 0 : a - b;
  });
}

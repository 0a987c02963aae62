// Clients that were refused, by reason.

import { count } from './format.ts';
import { refusedLastMinute, state } from './model.ts';

export function Refusals() {
  const refused = Object.entries(state.value?.refused ?? {});
  const lately = refusedLastMinute.value;
  const worst = refused.toSorted(
    ([one, times], [other, more]) =>
      (lately[other] ?? 0) - (lately[one] ?? 0) || more - times || (one < other ? -1 : 1),
  );
  return (
    <section aria-labelledby="refusals">
      <h2 id="refusals">Refusals</h2>
      <table class="small">
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col" class="number">
              Last minute
            </th>
            <th scope="col" class="number">
              Since the start
            </th>
          </tr>
        </thead>
        <tbody>
          {worst.map(([reason, times]) => (
            <tr key={reason} class={(lately[reason] ?? 0) > 0 ? 'warn' : ''}>
              <th scope="row">{reason}</th>
              <td class="number">{count(lately[reason] ?? 0)}</td>
              <td class="number">{count(times)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

// This bouncer's part in a limit that several bouncers share, or its processes, and what is told of all of them.

import type { State } from '../src/admin/schemas.ts';
import { Fact } from './fact.tsx';
import { count } from './format.ts';

const TONES = { starting: 'warn', leased: 'good', fallback: 'bad' } as const;

export function SharedLimit({ lender, state, leased, usable, all, trouble }: Shared) {
  const isOwn = lender === 'parent';
  return (
    <div class={`shared ${TONES[state]}`}>
      <h2>Shared limit</h2>
      <p class="more">
        <strong>{state}</strong>
        {all === null && (
          <>
            ; {isOwn ? 'the parent process' : 'Redis'} is out of reach
            {trouble !== null && `: ${trouble}`}
          </>
        )}
      </p>
      <dl class="rest">
        <Fact name="Leased by this bouncer">{count(leased)}</Fact>
        <Fact name="It may have now">{count(usable)}</Fact>
        {all !== null && (
          <>
            <Fact name={isOwn ? 'Processes' : 'Bouncers'}>{count(all.bouncers)}</Fact>
            <Fact name="Leased by all">{count(all.leased)}</Fact>
            <Fact name="Used by all">{count(all.used)}</Fact>
            <Fact name="Outside">{count(all.outside)}</Fact>
            <Fact name="Free">{count(all.free)}</Fact>
          </>
        )}
      </dl>
    </div>
  );
}

type Shared = NonNullable<State['shared_limit']>;

// The status page: what /api/events tells, and the actions of the API.

import { render } from 'preact';
import { ActDialog } from './act-dialog.tsx';
import { Chart } from './chart.tsx';
import { Filter } from './filter.tsx';
import { Gauges } from './gauges.tsx';
import { Header } from './header.tsx';
import { state } from './model.ts';
import { Producers } from './producers.tsx';
import { Refusals } from './refusals.tsx';
import { follow } from './stream.ts';
import { Workers } from './workers.tsx';

function Page() {
  return (
    <>
      <Header />
      <main>
        {state.value === null ? (
          <p>Waiting for the first update…</p>
        ) : (
          <>
            <Gauges state={state.value} />
            <div class="two">
              <Chart />
              <Refusals />
            </div>
            <Filter />
            <Workers />
            <Producers />
          </>
        )}
      </main>
      <ActDialog />
    </>
  );
}

const root = document.getElementById('page');
if (root !== null) render(<Page />, root);
void follow();

// What the bouncer is doing, and what can be done to all of it.

import { ask } from './acts.ts';
import { notice, state, trouble } from './model.ts';
import type { State } from '../src/admin/schemas.ts';

export function Header() {
  const now = state.value;
  return (
    <header>
      <div class="bar">
        <h1>faktory-bouncer</h1>
        {now === null ? null : <Facts state={now} />}
      </div>
      <p class="trouble" role="alert">
        {trouble.value}
      </p>
      <p class="notice" role="status">
        {notice.value}
      </p>
    </header>
  );
}

function Facts({ state: now }: { state: State }) {
  const { faktory, writes } = now;
  const doing = now.draining ? 'draining' : now.paused === true ? 'paused' : 'serving';
  return (
    <>
      <ul class="facts">
        <li class={doing === 'serving' ? 'good' : 'warn'}>{doing}</li>
        <li class={faktory.up ? 'good' : 'bad'}>
          Faktory {faktory.up ? 'up' : `down: ${faktory.last_failure ?? 'not reached yet'}`}
        </li>
        {writes.state === 'sound' ? null : <li class="bad">writes: {writes.state}</li>}
        <li>{now.mode} mode</li>
        <li>{now.version}</li>
      </ul>
      <div class="buttons">
        {now.can_reload ? <button onClick={() => ask(RELOAD)}>Reload</button> : null}
        {now.paused === null ? null : (
          <button onClick={() => ask(now.paused === true ? RESUME : PAUSE)}>
            {now.paused ? 'Resume' : 'Pause'}
          </button>
        )}
        {now.draining ? null : <button onClick={() => ask(DRAIN)}>Drain</button>}
      </div>
    </>
  );
}

const RELOAD = {
  title: 'Reload the configuration',
  effect: 'The configuration is read again. A wrong one changes nothing.',
  path: 'api/reload',
};
const PAUSE = {
  title: 'Pause',
  effect: 'Commands wait, and nothing new is sent to Faktory until you resume.',
  path: 'api/pause',
};
const RESUME = {
  title: 'Resume',
  effect: 'Commands are sent to Faktory again.',
  path: 'api/resume',
};
const DRAIN = {
  title: 'Drain',
  effect: 'Outstanding commands get their replies, all clients are closed, and the process ends.',
  path: 'api/drain',
};

// Pooled mode in front of the real Faktory: its Web UI and its restarts.

import t, { type Test } from 'tap';
import { pushLine } from '../session/house.ts';
import { type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import type { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { ok, replyText } from '../support/reply.ts';
import { STARTS_MS, until } from '../support/waiting.ts';

const missing = requireFaktory(t) === undefined;

interface House {
  readonly faktory: RealFaktory;
  readonly bouncer: RunningBouncer;
}

async function open(t: Test): Promise<House> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  // The longest: a restart of Faktory takes its time on a busy machine.
  const overrides = {
    mode: 'pooled',
    'pool.command_connections': 4,
    'pool.outage_wait': '1m',
    'waiting_line.timeout': '1m',
  };
  const bouncer = await startBouncer(t, { port: faktory.port, overrides });
  await bouncer.isUp();
  t.comment(`Faktory ${faktory.version}`);
  return { faktory, bouncer };
}

/** Presses a button of the Busy page, as its form does. */
async function press(faktory: RealFaktory, wid: string, signal: string): Promise<void> {
  const url = `http://127.0.0.1:${faktory.webPort}/busy`;
  const page = await fetch(url);
  const token = /name="csrf_token" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      cookie: page.headers
        .getSetCookie()
        .map((c) => c.split(';', 1)[0])
        .join('; '),
    },
    body: new URLSearchParams({ wid, signal, csrf_token: token.replaceAll('&#43;', '+') }),
    redirect: 'manual',
  });
  if (response.status !== 302) throw new Error(`Cannot press ${signal}: ${response.status}`);
}

t.test(
  'the Busy page shows a worker once, and its buttons reach it',
  { skip: missing },
  async (t) => {
    const { faktory, bouncer } = await open(t);
    const clients = await Promise.all([1, 2, 3].map(() => bouncer.connect({ wid: 'worker-1' })));
    const [client] = clients as [RawClient, ...RawClient[]];
    t.same(await client.command('BEAT {"wid":"worker-1"}'), ok);
    const page = await (await fetch(`http://127.0.0.1:${faktory.webPort}/busy`)).text();
    t.equal(page.match(/<code>\s*worker-1\s*<\/code>/g)?.length, 1);
    await press(faktory, 'worker-1', 'quiet');
    t.equal(replyText(await client.command('BEAT {"wid":"worker-1"}')), '{"state":"quiet"}');
    await press(faktory, 'worker-1', 'terminate');
    t.equal(replyText(await client.command('BEAT {"wid":"worker-1"}')), '{"state":"terminate"}');
  },
);

/** More than pool.outage_wait and waiting_line.timeout: the bouncer answers before a client gives up. */
const PATIENT_MS = 90_000;

/** Sends `next` lines one after another until told to stop; says how it went. */
class Load {
  readonly pushed: string[] = [];
  /** In the order of arrival; nothing but these may be said while Faktory restarts. */
  readonly errors: string[] = [];
  closed = 0;
  answered = 0;
  isOver = false;

  async run(bouncer: RunningBouncer, wid: string | undefined): Promise<void> {
    while (!this.isOver) {
      const client = await bouncer.connect({
        boundMs: PATIENT_MS,
        ...(wid !== undefined && { wid }),
      });
      if (client.helloReply?.kind === 'error') continue;
      try {
        await (wid === undefined ? this.#push(client) : this.#work(client, wid));
      } catch {
        this.closed += 1;
      }
      client.end();
    }
  }

  async #push(client: RawClient): Promise<void> {
    while (!this.isOver) {
      const { jid, line } = pushLine({ reserve_for: 60 });
      const reply = await client.command(line);
      if (reply.kind === 'status') this.pushed.push(jid);
      else this.errors.push(replyText(reply) ?? '');
      this.answered += 1;
    }
  }

  async #work(client: RawClient, wid: string): Promise<void> {
    while (!this.isOver) {
      const job = await client.command('FETCH default');
      if (job.kind === 'error') this.errors.push(job.text);
      const text = job.kind === 'bulk' ? job.text : null;
      if (text !== null) {
        const { jid } = JSON.parse(text) as { jid: string };
        await this.#expectOk(client, `ACK {"jid":"${jid}"}`);
      }
      await this.#expectOk(client, `BEAT {"wid":"${wid}"}`);
      this.answered += 1;
    }
  }

  async #expectOk(client: RawClient, line: string): Promise<void> {
    const reply = await client.command(line);
    if (reply.kind !== 'status') this.errors.push(replyText(reply) ?? '');
  }
}

const DEATHS = ['terminate', 'kill'] as const;

for (const death of DEATHS) {
  t.test(
    `a restart (${death}) under load costs PUSHes on their way only`,
    { skip: missing },
    async (t) => {
      const { faktory, bouncer } = await open(t);
      const pushers = new Load();
      const workers = new Load();
      const running = [
        ...Array.from({ length: 6 }, () => pushers.run(bouncer, undefined)),
        ...Array.from({ length: 6 }, (_, i) => workers.run(bouncer, `w${i % 2}`)),
      ];
      await until(() => pushers.answered > 500 && workers.answered > 100, { what: 'load' });
      await faktory[death]();
      await faktory.startAgain();
      const [pushed, worked] = [pushers.answered, workers.answered];
      await until(() => pushers.answered > pushed + 500 && workers.answered > worked + 100, {
        what: 'load after the restart',
        withinMs: STARTS_MS,
      });
      pushers.isOver = true;
      workers.isOver = true;
      await Promise.all(running);
      const unknown = await bouncer.metric('commands_outcome_unknown_total{verb="PUSH"}');
      t.comment(
        `${pushers.closed} closed, ${unknown} PUSHes unknown, errors: ${pushers.errors.length}`,
      );
      t.equal(workers.closed, 0, 'no ACK, BEAT or FETCH costs its client');
      t.equal(pushers.closed, unknown, 'a producer is closed for its own PUSH only');
      t.ok(unknown <= 6);
      t.same(workers.errors, [], 'no ACK, BEAT or FETCH fails');
      await bouncer.gaugesAreZero();
      t.equal(await bouncer.metric('bugs_total'), 0);
    },
  );
}

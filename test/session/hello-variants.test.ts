// HELLO as a real Faktory takes it, directly and through the bouncer: the same lines are accepted, and
// Faktory learns the same of an accepted client.

import t from 'tap';
import { startBouncer } from '../support/bouncer.ts';
import {
  HELLO_VARIANTS,
  helloVariantLine,
  helloVariantName,
  type HelloVariant,
} from '../support/hello-variants.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { replyText } from '../support/reply.ts';
import { until } from '../support/waiting.ts';

const skip = requireFaktory(t) === undefined;
const AT_A_TIME = 16;
const CLOSED = 'closed';

/** Says the line behind HI; what it is answered with, or that it was not. */
async function sayHello(
  port: number,
  line: Buffer,
): Promise<{ client: RawClient; answer: string }> {
  const client = await RawClient.connect({ port, skipHandshake: true });
  await client.readReply('HI');
  client.send(line);
  const answer = await client.readReply().then(replyText, () => null);
  return { client, answer: answer ?? CLOSED };
}

async function answersOf(port: number): Promise<readonly string[]> {
  const answers: string[] = [];
  for (let from = 0; from < HELLO_VARIANTS.length; from += AT_A_TIME) {
    const some = HELLO_VARIANTS.slice(from, from + AT_A_TIME);
    const said = await Promise.all(some.map((one) => sayHello(port, helloVariantLine(one))));
    for (const { client, answer } of said) {
      client.reset();
      answers.push(answer);
    }
  }
  return answers;
}

t.test(
  'what Faktory takes for HELLO is taken, what it closes on is closed',
  { skip },
  async (t) => {
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    t.comment(`Faktory ${faktory.version}`);
    const bouncer = await startBouncer(t, { port: faktory.port });
    await bouncer.isUp();
    const direct = await answersOf(faktory.port);
    const through = await answersOf(bouncer.port);
    for (const [i, variant] of HELLO_VARIANTS.entries()) {
      const { accepted } = variant;
      const shown = helloVariantName(variant);
      t.equal(direct[i], accepted ? '+OK' : CLOSED, `directly: ${shown}`);
      t.equal(through[i], accepted ? '+OK' : CLOSED, `through the bouncer: ${shown}`);
    }
  },
);

/** The variant with a wid, where it has none: only workers are shown. */
function asWorker(variant: HelloVariant, wid: string): Buffer {
  const line = helloVariantLine(variant);
  if (/wid/i.test(variant.payload) || variant.payload.includes('\\u0069d')) return line;
  const text = line.toString();
  const rest = text.slice('HELLO {'.length);
  return Buffer.from(`HELLO {"wid":"${wid}"${/^\s*\}/.test(rest) ? '' : ','}${rest}`);
}

/** The rows of the page of processes, without what changes by itself. */
async function workersOf({ webPort }: RealFaktory): Promise<readonly string[]> {
  const page = await (await fetch(`http://127.0.0.1:${webPort}/busy`)).text();
  const table = /<table class="processes[^]*?<\/table>/.exec(page)?.[0] ?? '';
  return [...table.matchAll(/<tr>[^]*?<\/tr>/g)].map(([row]) =>
    row
      .replace(/<form[^]*<\/form>/, '')
      .replace(/<time[^]*?<\/time>/, '')
      .replaceAll(/\s+/g, ' '),
  );
}

t.test('Faktory learns the same of a worker through the bouncer', { skip }, async (t) => {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const bouncer = await startBouncer(t, { port: faktory.port });
  await bouncer.isUp();
  const shownOf = async (port: number, line: Buffer): Promise<string> => {
    const { client } = await sayHello(port, line);
    const rows = await workersOf(faktory);
    client.reset();
    await until(async () => (await workersOf(faktory)).length === 0, { what: 'it to be gone' });
    return rows.join('\n');
  };
  let workers = 0;
  for (const [i, variant] of HELLO_VARIANTS.entries()) {
    if (!variant.accepted) continue;
    const line = asWorker(variant, `worker-${i}`);
    const direct = await shownOf(faktory.port, line);
    if (direct !== '') workers += 1;
    t.equal(await shownOf(bouncer.port, line), direct, helloVariantName(variant));
  }
  t.ok(workers > 40, `${workers} workers were shown`);
});

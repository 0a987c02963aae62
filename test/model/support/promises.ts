// What the bouncer promises, whatever happens. Promise: each sentence in a problem names the client,
// command or job; what Faktory itself loses, and what a thrown sink may cost, is not held against it.

import type { FaktoryConnection } from '../../support/faktory-connection.ts';
import { SHUTDOWN } from '../../support/memory-faktory.ts';
import { payloadsOf, verbOf } from '../../support/memory-replies.ts';
import { type ModelClient, type SentCommand, UNREACHABLE } from '../../support/model-client.ts';
import { isClosedRightly } from './closings.ts';
import type { Drain } from './drain.ts';
import type { Scene } from './scene.ts';

/** What the bouncer itself answers commands with, and whether Faktory may have seen them. */
const OWN_ERRORS: readonly { readonly start: string; readonly executed: 'never' | 'maybe' }[] = [
  { start: UNREACHABLE, executed: 'never' },
  { start: '-ERR faktory-bouncer could not open a connection', executed: 'never' },
  { start: '-ERR too many connections: ', executed: 'never' },
  { start: '-ERR faktory-bouncer is stopping', executed: 'never' },
  { start: '-ERR Faktory does not answer', executed: 'never' },
  { start: "-ERR Faktory's Redis refuses writes", executed: 'never' },
  { start: '-ERR Faktory took longer than its Redis timeout', executed: 'maybe' },
];
/** Executed twice they change nothing that once did not. */
const SENT_AGAIN: readonly string[] = ['ACK', 'BEAT', 'INFO', 'FETCH'];

export class Promises {
  readonly #scene: Scene;
  readonly #drain: Drain;
  /** The last command of each client that Faktory took up, by its number. */
  readonly #lastTaken = new Map<string, number>();

  constructor(scene: Scene, drain: Drain) {
    this.#scene = scene;
    this.#drain = drain;
    scene.house.faktory.onCommand = (connection, line) => this.#checkLine(connection, line);
  }

  /** Beside its own reply: an error that Faktory said of it, or one of the bouncer's own. */
  mayRead(command: SentCommand, reply: string): boolean {
    if (ownError(reply) !== null) return true;
    if (reply === SHUTDOWN && !this.#scene.isSession) return false;
    return this.#scene.house.faktory.commands.errors.get(command.id)?.has(reply) === true;
  }

  /** Nobody waits for ever, now that Faktory is well. */
  checkAllAnswered(): void {
    for (const client of this.#scene.here) {
      const [first] = client.outstanding;
      if (client.wasAdmitted && !client.wasClosed && first !== undefined) {
        this.#problem(`${client.name} was never answered ${first.line.slice(0, 60)}`);
      }
      if (!client.wasAdmitted && !client.wasClosed && !client.hasEnded) {
        this.#problem(`${client.name} was neither let in nor refused`);
      }
    }
  }

  /** All clients have left, and Faktory is well. */
  checkEnd(): void {
    const { house, sinksThrown } = this.#scene;
    for (const left of house.leftovers()) {
      // With drain_timeout over, the process would be too.
      const isOfTheProcess = this.#drain.wasCutShort && left.startsWith('commands');
      const isThrown = left.startsWith('bugs') && house.counts.bugs.total <= sinksThrown;
      if (!isOfTheProcess && !isThrown) this.#problem(`left over: ${left}`);
    }
    for (const line of house.faktory.deadlyLines) this.#problem(`Faktory got ${line}`);
    const unknown = house.faktory.unknown();
    for (const client of this.#scene.clients) {
      for (const problem of client.problems) this.#problem(problem);
      if (!isClosedRightly(client, { scene: this.#scene, drain: this.#drain, unknown })) {
        const [first] = client.outstanding;
        this.#problem(`${client.name} was closed with ${first?.line.slice(0, 60)}`);
      }
      for (const command of client.sent) this.#checkCommand(client, command);
      this.#count(client);
    }
    for (const why of house.faktory.commands.falseOks.values()) {
      this.#scene.tally.add(`false +OK said: ${why}`);
    }
    this.#checkJobs();
  }

  /** Byte for byte, in order, over the client's own connection in session mode. */
  #checkLine(connection: FaktoryConnection, line: string): void {
    const verb = verbOf(line);
    const payloads = payloadsOf(verb, line);
    const host = connection.hello?.hostname ?? '';
    if (verb === 'FETCH') {
      if (!this.#wasFetched(line, connection)) this.#problem(`Faktory got ${line} from nobody`);
      return;
    }
    if (isItsOwn(verb, payloads)) return;
    const owners = payloads.map(({ id }) => ownerOf(id));
    for (const [n, { id }] of payloads.entries()) {
      const owner = owners[n] ?? '';
      if (this.#scene.isSession && owner !== host) this.#problem(`${host} carried ${id}`);
      this.#checkOrder(owner, id, verb);
    }
    const lines = payloads.map(({ id }) => this.#sent(id)?.line ?? '');
    const [first = ''] = lines;
    const isGathered = verb === 'PUSHB' && first.startsWith('PUSH ');
    const due = isGathered ? `PUSHB [${lines.map((push) => push.slice(5)).join()}]` : first;
    if (line !== due) this.#problem(`Faktory got ${line.slice(0, 80)}, not ${due.slice(0, 80)}`);
  }

  #checkOrder(owner: string, id: string, verb: string): void {
    const number = Number.parseInt(id.slice(owner.length + 2), 10);
    const last = this.#lastTaken.get(owner) ?? -1;
    const isAgain =
      SENT_AGAIN.includes(verb) && this.#scene.house.faktory.commands.executed.has(id);
    if (number < last && !isAgain) this.#problem(`${id} came after ${owner}-c${last}`);
    this.#lastTaken.set(owner, Math.max(last, number));
  }

  #wasFetched(line: string, { hello, wid }: FaktoryConnection): boolean {
    const inSession = this.#scene.client(hello?.hostname ?? '');
    const clients = this.#scene.isSession
      ? inSession === undefined
        ? []
        : [inSession]
      : [...this.#scene.clients].filter((client) => (client.wid ?? '') === wid);
    return clients.some(({ sent }) => sent.some((command) => command.line === line));
  }

  #sent(id: string): SentCommand | undefined {
    const sent = this.#scene.client(ownerOf(id))?.sent ?? [];
    return sent[Number.parseInt(id.slice(ownerOf(id).length + 2), 10)];
  }

  #checkCommand(client: ModelClient, { verb, id, jids, reply }: SentCommand): void {
    const { executed, jobs } = this.#scene.house.faktory.commands;
    const times = executed.get(id) ?? 0;
    const mayBeTwice = !this.#scene.isSession && SENT_AGAIN.includes(verb);
    if (id !== '' && times > 1 && !mayBeTwice) this.#problem(`${verb} ${id} was executed twice`);
    const isRefused = reply !== null && ownError(reply) === 'never';
    if (isRefused && times > 0 && !mayBeTwice) {
      this.#problem(`${client.name} read that ${verb} ${id} was not executed`);
    }
    if (!verb.startsWith('PUSH') || reply === null) return;
    for (const jid of jids) {
      if (!reply.startsWith('-')) this.#checkAcknowledged(jid);
      if (isRefused && jobs.get(jid) !== undefined)
        this.#problem(`${jid} was refused and is there`);
    }
  }

  #checkAcknowledged(jid: string): void {
    const { jobs, falseOks } = this.#scene.house.faktory.commands;
    const why = falseOks.get(jid);
    if (why === undefined) {
      if (jobs.get(jid)?.pushes !== 1) this.#problem(`${jid} was acknowledged in vain`);
      return;
    }
    this.#scene.tally.add(`false +OK passed on: ${why}`);
    // Redis's refusal, or its full backlog, must be noticed first; what is sent after that is a problem.
    if (why === 'late') this.#problem(`a false +OK for ${jid} was passed on: ${why}`);
  }

  #checkJobs(): void {
    const { jobs } = this.#scene.house.faktory;
    const clients = [...this.#scene.clients];
    const got = clients.flatMap((client) => client.got);
    const taken = new Set(got);
    if (taken.size !== got.length) this.#problem(`a job was handed out twice: ${got.join()}`);
    const unread = clients.map((client) => client.unread).join('\n');
    let lost = 0;
    for (const job of jobs.values()) {
      this.#scene.tally.add(`jobs: ${job.wasCut ? 'cut' : job.where}`);
      if (job.where !== 'reserved' || job.wasCut || taken.has(job.jid)) continue;
      if (unread.includes(`"${job.jid}"`)) continue;
      lost += 1;
      // Each sink that throws may cost the connection, and the job that was on it; and so may each connection
      // that is given up after a minute: the answer was on its way.
      const { unanswered } = this.#scene.house.counts.server.ends.values;
      if (lost > this.#scene.sinksThrown + unanswered && !this.#drain.wasCutShort) {
        this.#problem(`${job.jid} is lost`);
      }
    }
  }

  #count(client: ModelClient): void {
    const { tally } = this.#scene;
    tally.add('clients: all');
    if (client.wasAdmitted) tally.add('clients: admitted');
    if (client.refusal !== null) tally.add('clients: refused');
    tally.add('replies: read', client.answered);
    tally.add('jobs: handed out', client.got.length);
  }

  #problem(text: string): void {
    this.#scene.problems.push(text);
  }
}

function ownError(reply: string): 'never' | 'maybe' | null {
  return OWN_ERRORS.find(({ start }) => reply.startsWith(start))?.executed ?? null;
}

/** `<client>-c<number>`, and `.n` behind it for a PUSHB's further jobs. */
function ownerOf(id: string): string {
  return id.split('-c', 1)[0] ?? '';
}

/** What the bouncer says to Faktory on its own behalf. */
function isItsOwn(verb: string, [first]: ReturnType<typeof payloadsOf>): boolean {
  if (first === undefined) return verb === 'INFO';
  return first.errtype === 'ClientGone' || first.at !== undefined;
}

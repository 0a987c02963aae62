// What the stand-in answers to each verb: Faktory's words, over the stand-in's jobs and workers.

import type { EnterpriseAnswer, Problem, StandInEnterprise } from './stand-in-enterprise.ts';
import type { Job, StandInJobs } from './stand-in-jobs.ts';

/** The pieces in which a reply is written; `close` and `panic` have none. */
export type Answer = readonly string[] | 'close' | 'panic';

export type WorkerState = 'running' | 'quiet' | 'terminate';

export interface StandInWorker {
  state: WorkerState;
  /** Quiet reaches FETCH on this connection only. */
  readonly firstConnection: number;
  readonly connections: Set<number>;
}

export interface CommandContext {
  readonly jobs: StandInJobs;
  /** Undefined in the open-source edition. */
  readonly enterprise: StandInEnterprise | undefined;
  readonly workers: Map<string, StandInWorker>;
  readonly wid: string;
  readonly connection: number;
  readonly fetchBlockMs: number;
  readonly signal: AbortSignal;
  readonly info: () => { readonly version: string; readonly connections: number };
}

type Fields = Record<string, unknown>;

const okAnswer = ['+OK\r\n'];
const nilAnswer = ['$-1\r\n'];
const payloadVerbs = ['PUSH', 'PUSHB', 'ACK', 'FAIL', 'BEAT'];
const onlyEnterprise = (subsystem: string): string[] =>
  error(`${subsystem} subsystem is only available in Faktory Enterprise`);

export async function execute(line: string, context: CommandContext): Promise<Answer> {
  const { jobs } = context;
  const [verb = '', ...words] = line.split(' ');
  if (payloadVerbs.includes(verb) && line === verb) return 'panic';
  const payload = line.slice(verb.length + 1);
  switch (verb) {
    case 'PUSH':
      return push(payload, context);
    case 'PUSHB':
      return pushBulk(payload, context);
    case 'FETCH':
      return fetch(words, context);
    case 'ACK':
      return ack(payload, context);
    case 'FAIL':
      return fail(payload, context);
    case 'BEAT':
      return beat(payload, context);
    case 'INFO':
      return bulk(JSON.stringify(info(context)));
    case 'QUEUE':
      return queue(words, jobs);
    case 'FLUSH':
      jobs.clear();
      return okAnswer;
    case 'MUTATE':
      return okAnswer;
    case 'TRACK':
      return subsystem('tracking', context.enterprise?.track(words, payloadOfSecond(payload)));
    case 'BATCH':
      return subsystem('batch', context.enterprise?.batch(words, payloadOfSecond(payload)));
    case 'END':
      return 'close';
    default:
      return error(`unknown command ${verb}`);
  }
}

/** Of `NEW {…}` and `SET {…}`. */
function payloadOfSecond(payload: string): string {
  return payload.slice(payload.indexOf(' ') + 1);
}

function subsystem(name: string, answer: EnterpriseAnswer | undefined): string[] {
  switch (answer?.kind) {
    case undefined:
      return onlyEnterprise(name);
    case 'ok':
      return okAnswer;
    case 'bulk':
      return bulk(answer.contents);
    case 'error':
      return coded(answer.problem);
  }
}

function push(payload: string, context: CommandContext): string[] {
  const fields = parse(payload);
  if (fields === undefined) return error(`invalid JSON: ${payload}`);
  const problem = enqueue(fields, context);
  return problem === undefined ? okAnswer : coded(problem);
}

function pushBulk(payload: string, context: CommandContext): string[] {
  const list = parse(`{"jobs":${payload}}`)?.['jobs'];
  if (!Array.isArray(list)) return error(`invalid JSON: ${payload}`);
  const problems: Record<string, string> = {};
  for (const fields of list as Fields[]) {
    const problem = enqueue(fields, context);
    if (problem === undefined) continue;
    // manager/manager.go: the text of an error with a code begins with it.
    const { code, text: what } = problem;
    problems[text(fields['jid'])] = code === 'ERR' ? what : `${code} ${what}`;
  }
  return bulk(JSON.stringify(problems));
}

/** The problem, if there is one. */
export function enqueue(
  fields: Fields,
  context: Pick<CommandContext, 'jobs' | 'enterprise'>,
): Problem | undefined {
  const { jid, queue: name, jobtype, args, ...rest } = fields;
  if (typeof jid !== 'string' || jid.length < 8) return missing('a reasonable jid');
  if (typeof jobtype !== 'string' || jobtype === '') return missing('a jobtype');
  if (!Array.isArray(args)) return missing('an args');
  const now = new Date().toISOString();
  const retry = typeof rest['retry'] === 'number' ? rest['retry'] : 25;
  const job: Job = {
    jid,
    queue: text(name) || 'default',
    jobtype,
    args,
    created_at: now,
    enqueued_at: now,
    ...rest,
    retry,
  };
  const problem = context.enterprise?.pushed(job);
  if (problem !== undefined) return problem;
  if (typeof rest['at'] === 'string' && rest['at'] > now) context.jobs.scheduled.push(job);
  else context.jobs.push(job);
  return undefined;
}

function missing(what: string): Problem {
  return { code: 'ERR', text: `jobs must have ${what} parameter` };
}

async function fetch(queues: readonly string[], context: CommandContext): Promise<string[]> {
  if (queues.length === 0) return error('must call fetch with at least one queue');
  const { wid, jobs, signal } = context;
  const worker = context.workers.get(wid);
  const isQuiet = worker?.state !== 'running' && worker?.firstConnection === context.connection;
  const options = { wid, queues: isQuiet ? [] : queues, blockMs: context.fetchBlockMs, signal };
  const job = await jobs.fetch(options);
  if (job === undefined) return nilAnswer;
  const problem = context.enterprise?.fetched(job, wid);
  return problem === undefined ? bulk(JSON.stringify(job)) : coded(problem);
}

function ack(payload: string, { jobs, enterprise }: CommandContext): string[] {
  const jid = parse(payload)?.['jid'];
  if (typeof jid !== 'string') return error(`invalid ACK ${payload}`);
  jobs.ack(jid);
  enterprise?.ended(jid, 'success');
  return okAnswer;
}

function fail(payload: string, { jobs, enterprise }: CommandContext): string[] {
  const fields = parse(payload);
  if (fields === undefined) return error(`invalid FAIL ${payload}`);
  const jid = text(fields['jid']);
  if (jid === '') return error('missing JID');
  enterprise?.ended(jid, 'failed');
  return jobs.fail(jid, fields['errtype']) ? okAnswer : error(`Job not found ${jid}`);
}

function beat(payload: string, context: CommandContext): string[] {
  const fields = parse(payload);
  if (fields === undefined) return error(`invalid BEAT ${payload}`);
  const wid = text(fields['wid']);
  const worker = context.workers.get(wid);
  if (worker === undefined) return error(`unknown worker ${wid}`);
  signalWorker(worker, fields['current_state']);
  return worker.state === 'running' ? okAnswer : bulk(JSON.stringify({ state: worker.state }));
}

/** Running, quiet, terminate: never back. */
export function signalWorker(worker: StandInWorker, state: unknown): void {
  if (state === 'terminate') worker.state = 'terminate';
  if (state === 'quiet' && worker.state === 'running') worker.state = 'quiet';
}

function queue(words: readonly string[], jobs: StandInJobs): string[] | 'panic' {
  const [action, ...named] = words;
  if (named.length === 0) return 'panic';
  const known = Object.keys(jobs.queueLengths);
  for (const name of named[0] === '*' ? known : named.filter((queue) => known.includes(queue))) {
    if (action === 'PAUSE') jobs.paused.add(name);
    if (action === 'RESUME') jobs.paused.delete(name);
    if (action === 'REMOVE') jobs.remove(name);
  }
  return okAnswer;
}

function info(context: CommandContext): object {
  const { version, connections } = context.info();
  const queues = context.jobs.queueLengths;
  const enqueued = Object.values(queues).reduce((sum, length) => sum + length, 0);
  return {
    faktory: {
      queues,
      tasks: {},
      total_enqueued: enqueued,
      total_failures: context.jobs.failed.length,
      total_processed: context.jobs.acknowledged.length + context.jobs.failed.length,
      total_queues: Object.keys(queues).length,
    },
    server: {
      command_count: 0,
      connections,
      description: 'Faktory',
      faktory_version: version,
      uptime: 1,
      used_memory_mb: '10 MB',
    },
  };
}

/** In three pieces, as Faktory writes it. */
function bulk(contents: string): string[] {
  return [`$${Buffer.byteLength(contents)}\r\n`, contents, '\r\n'];
}

function coded({ code, text: what }: Problem): string[] {
  return [`-${code} ${what}\r\n`];
}

function error(what: string): string[] {
  return [`-ERR ${what}\r\n`];
}

/** Empty for what is no text. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parse(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

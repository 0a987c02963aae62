// Lines that must not reach Faktory 1.7, rule by rule. Promise: each rule is a value that names its verbs
// and decides by the line alone; a Guard holds, for each verb, the rules that are not off, so a rule
// that is off costs nothing. What happens to a line that breaks one is the client room's business.
// Facts from Faktory v1.7.0: server/commands.go slices the payload past the verb unchecked, QUEUE
// reads its second argument unchecked, BEAT and FAIL echo a decoded wid or jid into the reply.

import { contentEnd, SPACE } from './bytes.ts';
import { echoesControlCharacter } from './control-characters.ts';
import { hasElementOver, hasSoughtText, type SoughtField } from './json-field.ts';
import {
  fetchIsReserved,
  pushbIsReserved,
  pushIsReserved,
  queueIsReserved,
} from './reserved-queues.ts';
import { MEANING, VERBS, type Verb } from './verbs.ts';

/** Rules that an operator can switch. */
export const SWITCHED_RULES = [
  'bare_verb',
  'queue_arguments',
  'reserved_queue',
  'flush',
  'mutate',
  'queue_remove',
  'payload_size',
  'command_rate',
] as const;
export type SwitchedRule = (typeof SWITCHED_RULES)[number];

/** Rules that protect the bouncer and its other clients: they cannot be switched. */
export const FIXED_RULES = ['control_character', 'command_too_long', 'fetch_too_long'] as const;

export const GUARD_RULES = [...SWITCHED_RULES, ...FIXED_RULES] as const;
export type GuardRule = (typeof GUARD_RULES)[number];

/** `log`: a line that breaks the rule passes, and is counted and logged. */
export type RuleSwitch = 'off' | 'log' | 'block';

export interface GuardSettings {
  readonly switches: Readonly<Record<SwitchedRule, RuleSwitch>>;
  /** Longest job, in bytes, for payload_size. */
  readonly payloadBytes: number;
  /** Whether clients read replies of the same server connections. */
  readonly sharesConnections: boolean;
}

/** A rule that is not off. */
export interface ActiveRule {
  readonly name: GuardRule;
  readonly action: Exclude<RuleSwitch, 'off'>;
  /** Whether trusted clients may break it. */
  readonly sparesTrusted: boolean;
  readonly isBroken: (line: Buffer) => boolean;
}

/** Over a thousand queues with long names. Each name is a string for as long as its client asks for it. */
export const FETCH_BYTES_MAX = 64 * 1024;

export class Guard {
  /** Hot path: the rules for a line, in the order in which they are asked. */
  readonly rules: Readonly<Record<Verb, readonly ActiveRule[]>>;
  /** The switch of the rule that is not about a line. */
  readonly commandRate: RuleSwitch;

  constructor(settings: GuardSettings) {
    this.commandRate = settings.switches.command_rate;
    this.rules = Object.fromEntries(
      VERBS.map((verb) => [verb, activeRules(verb, settings)]),
    ) as unknown as Record<Verb, readonly ActiveRule[]>;
  }
}

type Check = Partial<Omit<ActiveRule, 'action'>> & Pick<ActiveRule, 'name' | 'isBroken'>;

function activeRules(verb: Verb, settings: GuardSettings): readonly ActiveRule[] {
  return checksOf(verb, settings).flatMap((check): ActiveRule[] => {
    const action = isSwitched(check.name) ? settings.switches[check.name] : 'block';
    if (action === 'off') return [];
    return [{ sparesTrusted: false, ...check, action }];
  });
}

function isSwitched(rule: GuardRule): rule is SwitchedRule {
  return (SWITCHED_RULES as readonly GuardRule[]).includes(rule);
}

/** All rules about lines with `verb`. Those that protect against a crash come first. */
function checksOf(verb: Verb, settings: GuardSettings): readonly Check[] {
  return [...argumentChecks(verb), ...harmChecks(verb, settings)];
}

function argumentChecks(verb: Verb): readonly Check[] {
  const { length } = verb;
  switch (MEANING[verb].argumentsMin) {
    case 0:
      return [];
    case 1:
      return [{ name: 'bare_verb', isBroken: (line) => contentEnd(line) === length }];
    case 2:
      return [{ name: 'queue_arguments', isBroken: hasTooFewArguments }];
  }
}

function harmChecks(verb: Verb, settings: GuardSettings): readonly Check[] {
  const { payloadBytes, sharesConnections } = settings;
  switch (verb) {
    case 'PUSH':
      return [
        { name: 'reserved_queue', isBroken: pushIsReserved },
        {
          name: 'payload_size',
          isBroken: (line) => contentEnd(line) - 'PUSH '.length > payloadBytes,
        },
      ];
    case 'PUSHB':
      return [
        { name: 'reserved_queue', isBroken: pushbIsReserved },
        { name: 'payload_size', isBroken: (line) => hasLongJob(line, payloadBytes) },
      ];
    case 'FETCH':
      return [
        { name: 'fetch_too_long', isBroken: (line) => line.length > FETCH_BYTES_MAX },
        { name: 'reserved_queue', isBroken: fetchIsReserved },
      ];
    case 'BEAT':
    case 'FAIL':
      return sharesConnections ? [controlCharacter(verb)] : [];
    case 'QUEUE':
      return [
        { name: 'reserved_queue', isBroken: queueIsReserved },
        { name: 'queue_remove', sparesTrusted: true, isBroken: isQueueRemove },
      ];
    case 'FLUSH':
      return [{ name: 'flush', sparesTrusted: true, isBroken: () => true }];
    case 'MUTATE':
      return [{ name: 'mutate', sparesTrusted: true, isBroken: removesJobs }];
    case 'ACK':
    case 'INFO':
    case 'BATCH':
    case 'TRACK':
    case 'END':
    case 'OTHER':
      return [];
  }
}

function controlCharacter(verb: Verb): Check {
  const { echoes } = MEANING[verb];
  return {
    name: 'control_character',
    isBroken: (line) => echoes !== null && echoesControlCharacter(line, echoes),
  };
}

/** Two spaces make two arguments, even empty ones: Faktory splits at every single space. */
function hasTooFewArguments(line: Buffer): boolean {
  const first = line.indexOf(SPACE);
  return first === -1 || line.indexOf(SPACE, first + 1) === -1;
}

const REMOVE = Buffer.from('QUEUE REMOVE ');

function isQueueRemove(line: Buffer): boolean {
  return (
    line.length >= REMOVE.length && line.compare(REMOVE, 0, REMOVE.length, 0, REMOVE.length) === 0
  );
}

/** Of a line that is not longer than one job may be, no job is. */
function hasLongJob(line: Buffer, bytesMax: number): boolean {
  const start = 'PUSHB '.length;
  return contentEnd(line) - start > bytesMax && hasElementOver(line, start, bytesMax);
}

const REMOVING = ['clear', 'kill', 'discard'].map((command) => Buffer.from(command));

const MUTATE_COMMAND: SoughtField = {
  name: 'cmd',
  depth: 1,
  textBytesMax: 'discard'.length,
  isSought: (bytes, start, end) =>
    REMOVING.some(
      (command) =>
        command.length === end - start &&
        bytes.compare(command, 0, command.length, start, end) === 0,
    ),
};

function removesJobs(line: Buffer): boolean {
  return hasSoughtText(line, 'MUTATE '.length, MUTATE_COMMAND);
}

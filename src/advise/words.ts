// Words of advice: severities, and the shape of a finding.

export type Mode = 'session' | 'pooled';

/** Worst first. `problem`: jobs or clients are lost. `warning`: they may be. `note`: it can be better. */
export const SEVERITIES = ['problem', 'warning', 'note'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A value of an option, as it is written in YAML. */
export type Value = string | number | boolean;

export interface Finding {
  /** Which rule; part of the interface. */
  readonly id: string;
  readonly severity: Severity;
  /** Which worker or address; empty where it is about the bouncer. */
  readonly subject: string;
  /** What was found. */
  readonly text: string;
  /** Why it matters, and what to do. */
  readonly why: string;
  /** The numbers that it rests on. */
  readonly evidence: Readonly<Record<string, Value>>;
  /** Options to change, by their keys. Empty: the configuration need not change. */
  readonly change: Readonly<Record<string, Value>>;
}

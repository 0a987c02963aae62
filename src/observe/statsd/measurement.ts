// One line of statsd, before it is bytes.

export interface Measurement {
  readonly name: string;
  readonly type: 'count' | 'gauge' | 'timing';
  /** Of a timing: milliseconds. */
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

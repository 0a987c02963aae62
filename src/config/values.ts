// The value of each option, and where it was written. Promise: every key has a value at any time, the last
// one that was allowed; each that was refused is a problem.

import { OPTIONS, OPTION_KEYS } from './options.ts';
import type { OptionKey, ValueOf } from './options.ts';
import type { Origin, Problem } from './problems.ts';
import type { Entry } from './yaml-source.ts';

export class Values {
  readonly problems: Problem[] = [];
  readonly #values = new Map<OptionKey, unknown>();
  readonly #origins = new Map<OptionKey, Origin>();
  readonly #refused = new Set<OptionKey>();

  constructor() {
    for (const key of OPTION_KEYS) {
      this.set({ key, value: OPTIONS[key].fallback, origin: { kind: 'default' } });
    }
  }

  /** A refused value leaves the last one in place, so that the others can still be checked. */
  set({ key, value, origin }: Entry): void {
    const read = OPTIONS[key].kind.schema.safeParse(value);
    if (read.success) {
      this.#values.set(key, read.data);
      this.#origins.set(key, origin);
    } else {
      this.#refused.add(key);
      const why = read.error.issues[0]?.message ?? 'it is not allowed';
      this.problems.push({ origin, text: `Cannot use ${key}: ${why}` });
    }
  }

  /** The one place that trusts the table: a key's schema gave the value. */
  get<K extends OptionKey>(key: K): ValueOf<K> {
    return this.#values.get(key) as ValueOf<K>;
  }

  isRefused(key: OptionKey): boolean {
    return this.#refused.has(key);
  }

  originOf(key: OptionKey): Origin {
    return this.#origins.get(key) ?? { kind: 'default' };
  }
}

// What happened in the runs, by name. Promise: a name that was never counted reads 0.

export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  addAll(other: Tally): void {
    for (const [name, count] of other.#counts) this.add(name, count);
  }

  /** One line for each subject: `subject: what 3, which 5`. Names read `subject: what`. */
  lines(): string[] {
    const subjects = new Map<string, string[]>();
    for (const [name, count] of [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const [subject = '', what = ''] = name.split(': ');
      const parts = subjects.get(subject) ?? [];
      subjects.set(subject, parts);
      parts.push(what === '' ? String(count) : `${what} ${count}`);
    }
    return [...subjects].map(([subject, parts]) => `${subject}: ${parts.join(', ')}`);
  }
}

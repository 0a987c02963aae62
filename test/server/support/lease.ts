// A lease of a shared limit whose places the test sets.

import type { ServerLease } from '../../../src/server/dial-permits.ts';

export function leaseOf(places: number): ServerLease & { places: number } {
  return {
    places,
    mayDial(used) {
      return used < this.places;
    },
    opened: () => 7,
    answered: (trust) => trust,
    closed: () => {},
    ownOpened: () => {},
    ownLost: () => {},
  };
}

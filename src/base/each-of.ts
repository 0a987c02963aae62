// The steps of an end. Promise: each is done, whatever the others throw; what they throw is reported.

/**
 * Does `steps` in order; what one throws goes to `onError`, and the next has its turn. For what a
 * connection gives back when it is over: nothing may stay behind because something before it failed.
 */
export function eachOf(onError: (error: unknown) => void, steps: readonly (() => void)[]): void {
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      onError(error);
    }
  }
}

// One path of the admin address, and what its answer is made from.

import type { z } from 'zod';
import type { Metrics } from '../observe/prometheus.ts';
import type { Access } from './access.ts';
import type { Answer } from './answers.ts';
import type { PageFiles } from './page-files.ts';
import type { Views } from './views.ts';

export type Readiness =
  | {
      readonly ready: true;
      /** What an operator should know all the same. */
      readonly detail?: string;
    }
  | { readonly ready: false; readonly reason: string };

/** What answers are made from. */
export interface RouteParts {
  readonly views: Views;
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
  readonly page: PageFiles;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** What `/` and the document say of it. */
  readonly about: string;
  readonly access: Access;
  /** Answered at once, whatever else is asked. */
  readonly isProbe?: true;
  readonly query: z.ZodObject | null;
  /** What it tells of the bouncer. Default: `figures`. */
  readonly tells?: 'nothing' | 'figures' | 'rows';
  /** The body of 200 or 202; a text is its content type. */
  readonly answers: z.ZodType | string;
  /** `query` has been checked, `askedAt` is monotonic ms. `/api/events` is answered with a stream of updates. */
  readonly handle: (parts: RouteParts, query: unknown, askedAt: number) => Answer | Promise<Answer>;
}

interface RouteOf<Query extends z.ZodObject | null> extends Omit<Route, 'query' | 'handle'> {
  readonly query: Query;
  readonly handle: (
    parts: RouteParts,
    query: Query extends z.ZodObject ? z.infer<Query> : null,
    askedAt: number,
  ) => Answer | Promise<Answer>;
}

/** The one place that trusts the table: the server hands a route what its own schema gave. */
export function route<Query extends z.ZodObject | null>(row: RouteOf<Query>): Route {
  return row as unknown as Route;
}

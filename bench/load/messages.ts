// What is said between a benchmark and its load process: one request, one answer, matched by id.

import type { ConsumersOptions, ConsumersStatus } from './consumers.ts';
import type { Address } from './connection.ts';
import type { DrainReport } from './drain.ts';
import type { ProducersOptions, ProducersReport, ProducersStatus } from './producers.ts';

/** Each request with its answer; a process holds at most one crowd of each kind. */
export interface Exchanges {
  /** Makes the crowd of consumers, empty at first. */
  consumers: { request: ConsumersOptions; answer: null };
  addConsumers: { request: { count: number; overMs: number }; answer: null };
  /** Answered when they are gone. */
  consumersLeave: { request: number | 'all'; answer: null };
  consumersStatus: { request: null; answer: ConsumersStatus };
  /** Answered when all PUSHes are answered, or given up. */
  produce: { request: ProducersOptions; answer: ProducersReport };
  producersStatus: { request: null; answer: ProducersStatus | null };
  /** Compares a queue with what this process's producers got acknowledged. */
  drain: { request: { address: Address; queue: string }; answer: DrainReport };
}

export type ExchangeName = keyof Exchanges;

export type RequestMessage = {
  [Name in ExchangeName]: {
    readonly id: number;
    readonly name: Name;
    readonly body: Exchanges[Name]['request'];
  };
}[ExchangeName];

export type AnswerMessage =
  | { readonly id: number; readonly body: Exchanges[ExchangeName]['answer'] }
  | { readonly id: number; readonly error: string };

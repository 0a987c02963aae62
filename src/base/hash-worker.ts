// The thread that hashes. Promise: answers each request once, in order.

import { parentPort } from 'node:worker_threads';
import { iteratedSha256 } from './iterated-hash.ts';

export interface HashRequest {
  readonly id: number;
  readonly text: string;
  readonly rounds: number;
}

export interface HashAnswer {
  readonly id: number;
  readonly hex: string;
}

parentPort?.on('message', ({ id, text, rounds }: HashRequest) => {
  const answer: HashAnswer = { id, hex: iteratedSha256(text, rounds) };
  parentPort?.postMessage(answer);
});

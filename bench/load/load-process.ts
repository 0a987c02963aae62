// The load process: does what the benchmark that forked it asks, and ends with it. A process of its
// own, so that thousands of clients cost the benchmark's own measuring nothing.

import { Consumers } from './consumers.ts';
import { drain } from './drain.ts';
import type { AnswerMessage, Exchanges, ExchangeName, RequestMessage } from './messages.ts';
import { Producers } from './producers.ts';

let consumers: Consumers | null = null;
let producers: Producers | null = null;

function crowd(): Consumers {
  if (consumers === null) throw new Error('Cannot use the consumers: none were asked for');
  return consumers;
}

async function handle(message: RequestMessage): Promise<Exchanges[ExchangeName]['answer']> {
  switch (message.name) {
    case 'consumers':
      consumers = new Consumers(message.body);
      return null;
    case 'addConsumers':
      crowd().add(message.body.count, message.body.overMs);
      return null;
    case 'consumersLeave':
      await (message.body === 'all' ? crowd().leaveAll() : crowd().leave(message.body));
      return null;
    case 'consumersStatus':
      return crowd().status();
    case 'produce':
      producers = new Producers(message.body);
      return await producers.run();
    case 'producersStatus':
      return producers?.status() ?? null;
    case 'drain': {
      const expected = producers?.acknowledgedJids ?? new Set<string>();
      return await drain(message.body.address, message.body.queue, expected);
    }
  }
}

function answer(message: AnswerMessage): void {
  process.send?.(message);
}

process.on('message', (message) => {
  const request = message as RequestMessage;
  handle(request).then(
    (body) => answer({ id: request.id, body }),
    (error: unknown) => answer({ id: request.id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group: the benchmark decides the order of the end.
process.on('SIGINT', () => undefined);

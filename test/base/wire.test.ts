// One end of a connection: over sockets in memory where instants matter, over real ones where the kernel
// does.

import { once } from 'node:events';
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { CountBy } from '../../src/base/counters.ts';
import { listen } from '../../src/base/lean-socket.ts';
import { Lingering } from '../../src/base/lingering.ts';
import { StallWatch } from '../../src/base/stall-watch.ts';
import { Turns } from '../../src/base/turns.ts';
import { FAREWELL_BYTES_MAX, Wire, type Wiring } from '../../src/base/wire.ts';
import type { WireEnd, WireOwner } from '../../src/base/wire-owner.ts';
import type { StageFault, WireSocket, WireStage } from '../../src/base/wire-socket.ts';
import { MemoryNetwork, type MemorySocket } from '../support/memory-socket.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LINGER_MS = 2000;
const STALL_MS = 5000;

class Owner implements WireOwner {
  readonly heard: string[] = [];
  readonly ends: WireEnd[] = [];
  /** Thrown at the next call of that name. */
  throwsIn: keyof WireOwner | null = null;

  onReady(): void {
    this.#note('onReady', 'ready');
  }

  onData(chunk: Buffer, now: number): void {
    this.#note('onData', `${chunk.toString()} at ${now}`);
  }

  onDrain(): void {
    this.#note('onDrain', 'drain');
  }

  onEnd(): void {
    this.#note('onEnd', 'end');
  }

  onClose(end: WireEnd): void {
    this.ends.push(end);
    this.#note('onClose', 'close');
  }

  #note(call: keyof WireOwner, what: string): void {
    this.heard.push(what);
    if (this.throwsIn !== call) return;
    this.throwsIn = null;
    throw new Error(`thrown in ${call}`);
  }
}

interface Shared {
  readonly clock: FakeClock;
  readonly bugs: unknown[];
  readonly counts: CountBy<'received' | 'sent'>;
  readonly wiring: Wiring;
}

function shared(): Shared {
  const clock = new FakeClock();
  const bugs: unknown[] = [];
  const wiring: Wiring = {
    turns: new Turns(clock),
    stalls: new StallWatch(clock, () => STALL_MS),
    lingering: new Lingering(clock, LINGER_MS),
    onBug: (error) => bugs.push(error),
  };
  return { clock, bugs, wiring, counts: new CountBy(['received', 'sent'] as const) };
}

interface InMemory extends Shared {
  readonly network: MemoryNetwork;
  readonly owner: Owner;
  readonly wire: Wire;
  readonly near: MemorySocket;
  readonly far: MemorySocket;
  /** Everything on its way arrives. */
  settle(): Promise<void>;
}

/** A wire over the near end; both ends are half-open. */
function inMemory(): InMemory {
  const parts = shared();
  const network = new MemoryNetwork();
  const { near, far } = network.pair();
  near.allowHalfOpen = true;
  far.allowHalfOpen = true;
  far.on('error', () => {});
  const owner = new Owner();
  const wire = new Wire(parts.wiring, parts.counts, near.asSocket, owner);
  const settle = async (): Promise<void> => {
    for (let ends = network.deliverable; ends.length > 0; ends = network.deliverable) {
      for (const end of ends) end.deliver(Infinity);
    }
    await nextTurn();
  };
  return { ...parts, network, owner, wire, near, far, settle };
}

t.test('what comes is counted and told with its instant, and so is what goes', async (t) => {
  const { clock, counts, owner, wire, far, settle } = inMemory();
  wire.open();
  t.equal(wire.remoteAddress, '127.0.0.1');
  clock.advance(7);
  far.write('hello');
  await settle();
  t.strictSame(owner.heard, ['ready', 'hello at 7']);
  let read = '';
  far.on('data', (chunk: Buffer) => (read += chunk.toString()));
  wire.write(Buffer.from('one'));
  wire.writeAll([Buffer.from('two')]);
  wire.writeAll([Buffer.from('three'), Buffer.from('four')]);
  wire.writeAll([Buffer.alloc(40_000, 'x'), Buffer.alloc(40_000, 'y')]);
  await settle();
  t.equal(read, `onetwothreefour${'x'.repeat(40_000)}${'y'.repeat(40_000)}`);
  t.strictSame(counts.values, { received: 5, sent: 80_015 });
});

t.test('a socket whose write throws ends the wire, in a turn of its own', async (t) => {
  const { bugs, owner, wire, near, settle } = inMemory();
  wire.open();
  near.writeError = () => new Error('of a test: write');
  t.equal(wire.write(Buffer.from('lost')), true);
  t.strictSame(owner.ends, [], 'whoever writes may be in the middle of something');
  await settle();
  t.strictSame(owner.ends, [{ kind: 'bug' }]);
  t.equal(near.destroyed, true);
  t.equal(bugs.length, 1);
});

for (const way of ['received', 'sent'] as const) {
  t.test(`a count of bytes ${way} that throws ends the wire only`, async (t) => {
    const { bugs, counts, owner, wire, far, settle } = inMemory();
    counts.add = () => {
      throw new Error('of a test: count');
    };
    wire.open();
    if (way === 'sent') wire.write(Buffer.from('lost'));
    else far.write('hello');
    await settle();
    t.strictSame(owner.ends, [{ kind: 'bug' }]);
    t.match(bugs, [{ message: 'of a test: count' }]);
  });
}

t.test('a dialled wire is ready when it is connected, and can be closed before', async (t) => {
  const connected = inMemory();
  connected.wire.openDialled();
  t.strictSame(connected.owner.heard, []);
  connected.near.announce();
  await connected.settle();
  t.strictSame(connected.owner.heard, ['ready']);

  const closed = inMemory();
  closed.wire.openDialled();
  closed.wire.close(null, 'fin', FAREWELL_BYTES_MAX);
  closed.near.announce();
  closed.far.write('+HI');
  await closed.settle();
  t.equal(closed.near.destroyed, false);
  closed.far.end();
  await closed.settle();
  t.strictSame(closed.owner.heard, ['close']);
});

t.test('it is read again when the last reason not to is gone', async (t) => {
  const { owner, wire, far, settle } = inMemory();
  wire.open();
  wire.pause('budget');
  wire.pause('replies');
  wire.pause('replies');
  far.write('a');
  await settle();
  t.strictSame(owner.heard, ['ready']);
  wire.resume('replies');
  wire.resume('read_ahead');
  await settle();
  t.strictSame(owner.heard, ['ready']);
  t.ok(wire.isPaused);
  wire.resume('budget');
  await settle();
  t.strictSame(owner.heard, ['ready', 'a at 0']);
  t.notOk(wire.isPaused);
});

t.test('the owner hears whoever it is handed over to', async (t) => {
  const { owner, wire, far, settle } = inMemory();
  wire.open();
  const other = new Owner();
  wire.handOver(other);
  far.write('a');
  await settle();
  t.strictSame([owner.heard, other.heard], [['ready'], ['a at 0']]);
});

for (const call of ['onReady', 'onData', 'onEnd', 'onDrain', 'onClose'] as const) {
  t.test(`an exception in ${call} is reported once, and ends this wire only`, async (t) => {
    const { bugs, owner, wire, near, far, settle, wiring, counts, network } = inMemory();
    wire.openDialled();
    if (call === 'onReady') owner.throwsIn = call;
    near.announce();
    await settle();
    const second = network.pair();
    const secondOwner = new Owner();
    new Wire(wiring, counts, second.near.asSocket, secondOwner).open();
    owner.throwsIn = call;
    if (call === 'onData') far.write('a');
    if (call === 'onEnd') far.end();
    if (call === 'onDrain') near.emit('drain');
    if (call === 'onClose') wire.destroy();
    second.far.write('b');
    await settle();
    t.match(bugs, [{ message: `thrown in ${call}` }]);
    t.equal(bugs.length, 1);
    t.equal(near.destroyed, true);
    t.strictSame(owner.ends, [{ kind: call === 'onClose' ? 'closed' : 'bug' }]);
    t.strictSame(secondOwner.heard, ['ready', 'b at 0']);
  });
}

t.test("a reset is told at once, by the system's name, and once", async (t) => {
  const { owner, wire, near, far } = inMemory();
  wire.open();
  far.resetAndDestroy();
  near.deliver(Infinity);
  t.strictSame(owner.ends, [{ kind: 'failed', code: 'ECONNRESET' }], "before 'close'");
  await nextTurn();
  t.equal(owner.ends.length, 1);
  wire.write(Buffer.from('too late'));
  wire.close(null, 'fin');
  wire.destroy();
  t.equal(owner.ends.length, 1);
});

t.test('a half-closed peer still reads what is written', async (t) => {
  const { owner, wire, far, settle } = inMemory();
  wire.open();
  let read = '';
  far.on('data', (chunk: Buffer) => (read += chunk.toString()));
  far.end();
  await settle();
  t.strictSame(owner.heard, ['ready', 'end']);
  wire.write(Buffer.from('reply'));
  wire.close(null, 'fin');
  await settle();
  t.equal(read, 'reply');
  t.strictSame(owner.ends, [{ kind: 'closed' }]);
});

t.test('after its end it hears nothing, and lingers for the peer', async (t) => {
  const { clock, owner, wire, near, far, settle } = inMemory();
  wire.open();
  wire.pause('budget');
  wire.close(Buffer.from('bye'), 'fin');
  await settle();
  far.write('still there?');
  await settle();
  clock.advance(LINGER_MS - 1);
  await settle();
  t.strictSame(owner.heard, ['ready']);
  t.equal(near.destroyed, false);
  clock.advance(1);
  await settle();
  t.equal(near.destroyed, true);
  t.strictSame(owner.ends, [{ kind: 'closed' }]);
});

t.test('a peer that closes in turn ends it, and nothing lingers', async (t) => {
  const { clock, owner, wire, far, settle } = inMemory();
  wire.open();
  wire.close(Buffer.from('bye'), 'fin');
  far.end();
  await settle();
  t.strictSame(owner.ends, [{ kind: 'closed' }]);
  clock.advance(LINGER_MS);
  t.equal(owner.ends.length, 1);
});

t.test('a farewell takes so many bytes and no more', async (t) => {
  const { wire, near, far, settle } = inMemory();
  wire.open();
  wire.close(Buffer.from('bye'), 'fin');
  far.write(Buffer.alloc(FAREWELL_BYTES_MAX - 1));
  await settle();
  far.write(Buffer.alloc(1));
  await settle();
  t.equal(near.destroyed, false);
  far.write(Buffer.alloc(1));
  await settle();
  t.equal(near.destroyed, true);
});

t.test('without a farewell the first byte after the end is one too many', async (t) => {
  const { wire, near, far, settle } = inMemory();
  wire.open();
  wire.close(null, 'fin');
  await settle();
  t.equal(near.destroyed, false);
  far.write(Buffer.alloc(1));
  await settle();
  t.equal(near.destroyed, true);
});

t.test('what was written before the end and not taken is a farewell too', async (t) => {
  const { wire, near, far, settle } = inMemory();
  wire.open();
  near.writableLength = 5;
  wire.close(null, 'fin');
  far.write(Buffer.alloc(1));
  await settle();
  t.equal(near.destroyed, false);
});

t.test('fin_and_gone: it is destroyed as soon as its FIN has gone', async (t) => {
  const { wire, near, far, settle } = inMemory();
  wire.open();
  let read = '';
  far.on('data', (chunk: Buffer) => (read += chunk.toString()));
  wire.close(Buffer.from('bye'), 'fin_and_gone');
  t.equal(near.destroyed, false);
  await settle();
  t.equal(near.destroyed, true);
  t.equal(read, 'bye');
});

t.test('await_fin: it sends no FIN before the peer does', async (t) => {
  const { clock, owner, wire, far, settle } = inMemory();
  let farEnded = false;
  far.on('end', () => (farEnded = true));
  wire.open();
  wire.close(Buffer.from('END'), 'await_fin');
  await settle();
  t.equal(farEnded, false);
  far.end();
  await settle();
  t.equal(farEnded, true);
  t.strictSame(owner.ends, [{ kind: 'closed' }]);
  t.equal(clock.now(), 0);
});

t.test('await_fin: a peer that does not close is given up in time', async (t) => {
  const { clock, owner, wire, settle } = inMemory();
  wire.open();
  wire.close(null, 'await_fin');
  clock.advance(LINGER_MS);
  await settle();
  t.strictSame(owner.ends, [{ kind: 'closed' }]);
});

t.test('await_fin_patiently: it waits however long it takes and whatever comes', async (t) => {
  const { clock, owner, wire, far, settle } = inMemory();
  wire.open();
  wire.close(null, 'await_fin_patiently');
  clock.advance(1_000_000);
  far.write(Buffer.alloc(10 * FAREWELL_BYTES_MAX));
  await settle();
  t.strictSame(owner.ends, []);
  far.end();
  await settle();
  t.strictSame(owner.ends, [{ kind: 'closed' }]);
});

t.test('a peer that takes nothing ends it after the timeout, whatever it sends', async (t) => {
  const { clock, owner, wire, near, far, settle } = inMemory();
  wire.open();
  near.writableLength = 100;
  wire.write(Buffer.alloc(100));
  for (let ms = 0; ms < STALL_MS - 100; ms += 100) {
    clock.advance(100);
    far.write('x');
    await settle();
  }
  t.strictSame(owner.ends, []);
  clock.advance(100);
  t.strictSame(owner.ends, [{ kind: 'stalled' }]);
  t.equal(near.destroyed, true);
});

function notRefused(fault: StageFault): void {
  throw new Error(`refused: ${fault}`);
}

/** Takes a line off the front, as a PROXY header is one; `BAD` is refused, `BAD!` so that nothing can be said. */
function headerStage(top?: WireSocket): WireStage {
  return {
    expire: () => {},
    begin(socket, ready) {
      socket.resume();
      let isOver = false;
      socket.on('data', (chunk) => {
        if (isOver) return;
        isOver = true;
        const text = chunk.toString();
        if (text.startsWith('BAD')) {
          const wayBack = text.startsWith('BAD!') ? null : socket;
          const fault = 'proxy_header_invalid';
          ready({
            kind: 'refused',
            fault,
            detail: null,
            remoteAddress: '10.0.0.9',
            socket: wayBack,
          });
          return;
        }
        const at = text.indexOf('\n') + 1;
        const rest = at === text.length ? null : Buffer.from(text.slice(at));
        const remoteAddress = text.slice(0, at - 1);
        ready({ kind: 'ready', socket: top ?? socket, remoteAddress, rest });
      });
    },
  };
}

t.test('a stage reads first; the owner gets what is behind it', async (t) => {
  for (const rest of ['', 'HELLO']) {
    const { owner, wire, far, settle } = inMemory();
    wire.openThrough(headerStage(), notRefused);
    far.write(`10.0.0.1\n${rest}`);
    await settle();
    far.write('PUSH');
    await settle();
    t.equal(wire.remoteAddress, '10.0.0.1');
    t.strictSame(owner.heard, ['ready', ...(rest === '' ? [] : ['HELLO at 0']), 'PUSH at 0']);
  }
});

t.test('a stage may put another socket in front', async (t) => {
  const { network, owner, wire, far, settle } = inMemory();
  const top = network.pair();
  wire.openThrough(headerStage(top.near.asSocket), notRefused);
  wire.pause('budget');
  far.write('10.0.0.1\n');
  await settle();
  top.far.write('in clear');
  await settle();
  t.strictSame(owner.heard, ['ready'], 'a pause from before holds for it');
  wire.resume('budget');
  await settle();
  t.strictSame(owner.heard, ['ready', 'in clear at 0']);
  top.far.resetAndDestroy();
  await settle();
  t.strictSame(owner.ends, [{ kind: 'failed', code: 'ECONNRESET' }]);
});

t.test('a peer that a stage refuses can be told why, unless there is no way', async (t) => {
  const told = inMemory();
  const faults: string[] = [];
  let heard = '';
  told.far.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  told.wire.openThrough(headerStage(), (fault) => {
    faults.push(fault);
    told.wire.close(Buffer.from('-ERR why'), 'fin');
  });
  told.far.write('BAD\n');
  await told.settle();
  t.strictSame(faults, ['proxy_header_invalid']);
  t.equal(told.wire.remoteAddress, '10.0.0.9');
  t.equal(heard, '-ERR why');
  told.far.end(() => {});
  await told.settle();
  t.notOk(told.owner.heard.includes('ready'));
  t.strictSame(told.owner.ends, [{ kind: 'closed' }]);

  const silent = inMemory();
  silent.wire.openThrough(headerStage(), () => silent.wire.close(Buffer.from('-ERR why'), 'fin'));
  silent.far.write('BAD!\n');
  await silent.settle();
  t.strictSame(silent.owner.ends, [{ kind: 'closed' }]);
  t.equal(silent.counts.values.sent, 0);
});

t.test('a stage that throws or loses its socket ends the wire', async (t) => {
  const threw = inMemory();
  const throwing: WireStage = {
    expire: () => {},
    begin() {
      throw new Error('stage');
    },
  };
  threw.wire.openThrough(throwing, notRefused);
  t.strictSame(threw.owner.ends, [{ kind: 'bug' }]);
  t.equal(threw.bugs.length, 1);

  const closed = inMemory();
  closed.wire.openThrough(headerStage(), notRefused);
  closed.wire.close(Buffer.from('bye'), 'fin');
  await closed.settle();
  t.strictSame(closed.owner.ends, [{ kind: 'closed' }]);
  t.equal(closed.counts.values.sent, 0);

  const lost = inMemory();
  lost.wire.openThrough(headerStage(), notRefused);
  lost.far.resetAndDestroy();
  await lost.settle();
  t.strictSame(lost.owner.ends, [{ kind: 'failed', code: 'ECONNRESET' }]);
});

interface OverTcp extends Shared {
  readonly owner: Owner;
  readonly wire: Wire;
  readonly client: Socket;
}

/** A wire over an accepted socket; the client is a plain one. */
async function overTcp(t: Test): Promise<OverTcp> {
  const parts = shared();
  const owner = new Owner();
  const accepted = new Promise<Wire>((resolve) => {
    const address = { host: '127.0.0.1', port: 0 };
    void listen({ address, backlog: 10, reusePort: false }, (socket) => {
      const wire = new Wire(parts.wiring, parts.counts, socket, owner);
      wire.open();
      resolve(wire);
    }).then(({ address, close }) => {
      t.teardown(close);
      client.connect(address.port, address.host);
    });
  });
  const client = new Socket({ allowHalfOpen: true });
  t.teardown(() => client.destroy());
  return { ...parts, owner, wire: await accepted, client };
}

t.test('a client that ignores EOF can write once; its next write fails', async (t) => {
  const { owner, wire, client } = await overTcp(t);
  const closed = new Promise<void>((resolve) => {
    owner.onClose = () => resolve();
  });
  wire.close(null, 'fin');
  client.resume();
  await once(client, 'end');
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => client.once('error', resolve));
  client.write('PUSH {}\r\n');
  await closed;
  client.write('PUSH {}\r\n');
  t.match((await failed).code, /^(EPIPE|ECONNRESET)$/);
});

t.test('a farewell arrives though the client was sending', async (t) => {
  const { wire, client } = await overTcp(t);
  client.write(Buffer.alloc(FAREWELL_BYTES_MAX));
  wire.close(Buffer.from('-ERR too many\r\n'), 'fin');
  let read = '';
  client.on('data', (chunk: Buffer) => (read += chunk.toString()));
  await once(client, 'end');
  t.equal(read, '-ERR too many\r\n');
});

t.test('a client that reads nothing is closed when its time is over', async (t) => {
  const { clock, owner, wire, client } = await overTcp(t);
  t.equal(wire.write(Buffer.alloc(16 * 1024 * 1024)), false);
  t.ok(wire.untaken > 0);
  clock.advance(STALL_MS - 1);
  t.strictSame(owner.ends, []);
  clock.advance(1);
  t.strictSame(owner.ends, [{ kind: 'stalled' }]);
  client.resume();
  await once(client, 'end');
});

t.test('a client that reads late but in time gets everything', async (t) => {
  const { clock, owner, wire, client } = await overTcp(t);
  const bytes = 16 * 1024 * 1024;
  wire.write(Buffer.alloc(bytes));
  clock.advance(STALL_MS - 1);
  let read = 0;
  client.on('data', (chunk: Buffer) => (read += chunk.length));
  const drained = new Promise<void>((resolve) => {
    owner.onDrain = resolve;
  });
  await drained;
  clock.advance(STALL_MS);
  wire.close(null, 'fin');
  await once(client, 'end');
  t.equal(read, bytes);
});

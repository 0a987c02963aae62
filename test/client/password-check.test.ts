// Which hash is checked when: addresses in turns, few in the thread at a time, none for a client that has
// left; two passwords at once.

import t from 'tap';
import { Hasher } from '../../src/base/hasher.ts';
import { Live } from '../../src/base/live.ts';
import {
  type AskedCheck,
  PasswordCheck,
  type Passwords,
  type PasswordVerdict,
} from '../../src/client/password-check.ts';
import { parseHello } from '../../src/protocol/hello.ts';
import { passwordHash } from '../support/raw-client.ts';

/** Hashes when it is told to. */
class SlowHasher extends Hasher {
  readonly asked: string[] = [];
  readonly #waiting: ((hex: string) => void)[] = [];

  override iteratedSha256(text: string): Promise<string> {
    this.asked.push(text);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async answer(): Promise<void> {
    this.#waiting.shift()?.('0');
    // The check goes on in the promises that hang on the answer.
    await new Promise(setImmediate);
  }
}

const challenge = { salt: 'salt', rounds: 3 };

function helloWith(hash: string, version = 2): AskedCheck['hello'] {
  const hello = parseHello(Buffer.from(`HELLO {"v":${version},"pwdhash":"${hash}"}\n`));
  if (hello === null) throw new Error('Cannot read HELLO');
  return hello;
}

function asked(address: string, judged: (verdict: PasswordVerdict) => void): AskedCheck {
  const failed = (error: unknown): never => {
    throw error;
  };
  return { address, hello: helloWith('x'), challenge, judged, failed };
}

t.test('addresses take turns, and no more than two are in the thread', async (t) => {
  const hasher = new SlowHasher();
  const check = new PasswordCheck(new Live({ password: 'p', previousPassword: '' }), hasher);
  const order: string[] = [];
  const ask = (address: string, name: string) =>
    check.ask(asked(address, () => void order.push(name)));
  const storm = Array.from({ length: 10 }, (_, i) => ask('10.0.0.5', `storm${i}`));
  t.equal(hasher.asked.length, 2);
  ask('10.0.0.6', 'other');
  storm[3]?.leave();
  for (let i = 0; i < 10; i += 1) {
    t.ok(hasher.asked.length <= i + 2, 'never more than two');
    await hasher.answer();
  }
  t.strictSame(order.slice(0, 4), ['storm0', 'storm1', 'storm2', 'other']);
  t.equal(order.length, 10);
  t.notOk(order.includes('storm3'), 'it has left, and cost nothing');
  t.equal(hasher.asked.length, 10);
});

t.test('both passwords are right, with v 1 too, and no third is', async (t) => {
  const hasher = new Hasher();
  t.teardown(() => hasher.close());
  const passwords = new Live<Passwords>({ password: 'new', previousPassword: 'old' });
  const check = new PasswordCheck(passwords, hasher);
  const verdictOn = (password: string, version = 2): Promise<PasswordVerdict> =>
    new Promise((judged, failed) => {
      const hash = passwordHash(password, 'salt', version < 2 ? 1 : 3);
      check.ask({
        address: '10.0.0.5',
        hello: helloWith(hash, version),
        challenge,
        judged,
        failed,
      });
    });
  t.equal(await verdictOn('new'), 'current');
  t.equal(await verdictOn('old'), 'previous');
  t.equal(await verdictOn('old', 1), 'previous');
  t.equal(await verdictOn('new', 1), 'current');
  for (const wrong of ['', 'older', 'newold']) t.equal(await verdictOn(wrong), 'wrong');
  passwords.replace({ password: 'new', previousPassword: '' });
  t.equal(await verdictOn('old'), 'wrong', 'once the previous one is over');
  t.equal(await verdictOn(''), 'wrong');
});

t.test('a thread that fails is told, and the next check goes on', async (t) => {
  class BrokenHasher extends Hasher {
    override iteratedSha256(): Promise<string> {
      return Promise.reject(new Error('no thread'));
    }
  }
  const check = new PasswordCheck(
    new Live({ password: 'p', previousPassword: '' }),
    new BrokenHasher(),
  );
  for (let i = 0; i < 5; i += 1) {
    const error = await new Promise((failed) => {
      check.ask({ ...asked('10.0.0.5', () => t.fail('judged')), failed });
    });
    t.match(error, { message: 'no thread' });
  }
});

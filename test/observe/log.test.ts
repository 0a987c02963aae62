// The log's lines: JSON, and no password in them.

import { execFileSync } from 'node:child_process';
import t from 'tap';
import { createLog } from '../../src/observe/log.ts';
import type { LogLevel } from '../../src/observe/log.ts';
import { RateLimitedLog } from '../../src/observe/rate-limited-log.ts';
import { safeLog } from '../../src/observe/safe-log.ts';

function linesOf(level: LogLevel, act: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  act(createLog(level, { write: (line: string) => void lines.push(line) }));
  return lines;
}

t.test('a line is one JSON object with the level as a word', async (t) => {
  const [line = ''] = linesOf('info', (log) => log.info({ clients: 3 }, 'listening'));
  t.match(JSON.parse(line), { level: 'info', msg: 'listening', clients: 3, time: /T.*Z$/ });
  t.ok(line.endsWith('}\n'));
});

t.test('lines below the level and all lines at silent are left out', async (t) => {
  t.equal(linesOf('warn', (log) => log.info('no')).length, 0);
  t.equal(linesOf('warn', (log) => log.warn('yes')).length, 1);
  t.equal(linesOf('silent', (log) => log.fatal('no')).length, 0);
});

t.test('a line that cannot be written stops nobody, and the next one is written', async (t) => {
  const lines: string[] = [];
  let fails = true;
  const write = (line: string): void => {
    if (fails) throw new Error('of a test: no space left');
    lines.push(line);
  };
  const log = createLog('info', { write });
  const safe = safeLog(log);
  safe.warn('lost');
  fails = false;
  safe.warn({ reason: 'clients' }, 'written');
  safe.debug('below the level');
  log.level = 'debug';
  safe.debug('by then of the level');
  t.equal(safe.isLevelEnabled('debug'), true);
  t.match(
    lines.map((line): unknown => JSON.parse(line)),
    [{ level: 'warn', reason: 'clients', msg: 'written' }, { msg: 'by then of the level' }],
  );
});

t.test('values under password-like keys are never shown, down to the third depth', async (t) => {
  const lines = linesOf('info', (log) => {
    log.info({ password: 'hunter2', pwdhash: 'hunter2' }, 'a');
    log.info({ server: { password: 'hunter2' }, env: { FAKTORY_PASSWORD: 'hunter2' } }, 'b');
    log.info({ config: { server: { token: 'hunter2', port: 7419 } } }, 'c');
  });
  t.equal(lines.length, 3);
  t.notMatch(lines.join(''), /hunter2/);
  t.match(lines[2], /7419/);
});

t.test('a line that was written just before the process exits reaches stdout', async (t) => {
  const log = new URL('../../src/observe/log.ts', import.meta.url).href;
  const script = `
    const { createLog } = await import(${JSON.stringify(log)});
    createLog('info').info('last words');
    process.exit(0);`;
  const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', script]);
  t.match(JSON.parse(stdout.toString()), { msg: 'last words' });
});

type Key = 'refused' | 'unreachable';

function limited(): { log: RateLimitedLog<Key>; written: object[] } {
  const written: object[] = [];
  const write = (fields: object, text: string): void => void written.push({ ...fields, text });
  return { log: new RateLimitedLog<Key>(write, 1000), written };
}

t.test('the first line of a key is written at once, the next after the interval', async (t) => {
  const { log, written } = limited();
  log.line('refused', 5000, { n: 1 }, 'refused');
  log.line('refused', 5999, { n: 2 }, 'refused');
  log.line('refused', 5999, { n: 3 }, 'refused');
  t.strictSame(written, [{ n: 1, text: 'refused' }]);
  log.line('refused', 6000, { n: 4 }, 'refused');
  t.strictSame(written[1], { n: 4, suppressed: 2, text: 'refused' });
});

t.test('a line with none left out before it says nothing of it', async (t) => {
  const { log, written } = limited();
  log.line('refused', 0, {}, 'refused');
  log.line('refused', 1000, {}, 'refused');
  t.strictSame(written[1], { text: 'refused' });
});

t.test('keys do not hold each other up', async (t) => {
  const { log, written } = limited();
  log.line('refused', 0, {}, 'a');
  log.line('unreachable', 0, {}, 'b');
  t.equal(written.length, 2);
});

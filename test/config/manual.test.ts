// The manual pages and the completion: what they must name, and that shells can read them.

import { execFileSync } from 'node:child_process';
import t from 'tap';
import { renderCommandHelp } from '../../src/config/command-help.ts';
import { HELP, readCommandLine } from '../../src/config/command-line.ts';
import { renderCompletion } from '../../src/config/completion.ts';
import { type Command, COMMANDS, FLAG_LIST, SHELLS } from '../../src/config/flags.ts';
import { renderConfigPage, renderProgramPage } from '../../src/config/man-pages.ts';
import { OPTION_KEYS, variableOf } from '../../src/config/options.ts';
import { findProgram } from '../support/find-faktory.ts';

const COMMAND_NAMES = Object.keys(COMMANDS) as Command[];

t.test('help, manual and completion name every command and flag', async (t) => {
  const manual = renderProgramPage();
  for (const [name] of FLAG_LIST) {
    t.match(HELP, `--${name}`, name);
    t.match(manual, `Fl Fl ${name}`, name);
    for (const shell of SHELLS) {
      t.match(renderCompletion(shell), shell === 'fish' ? `-l ${name} ` : `--${name}`, shell);
    }
  }
  for (const name of Object.keys(COMMANDS)) {
    t.match(HELP, `faktory-bouncer ${name}`);
    t.match(manual, `.It Cm ${name}\n`);
    for (const shell of SHELLS) t.match(renderCompletion(shell), name, shell);
  }
});

t.test('the help of a command names its flags, and no other', async (t) => {
  const others = ['help', 'version'];
  for (const command of COMMAND_NAMES) {
    t.strictSame(readCommandLine([command, '--help']), { kind: 'help', command });
    const help = renderCommandHelp(command);
    t.match(help, `Usage: faktory-bouncer ${command}`);
    t.match(help, COMMANDS[command]);
    for (const [name, { of, doc }] of FLAG_LIST) {
      if (others.includes(name)) continue;
      const isReading = command === 'top' || command === 'advise';
      const isIts = of === command || (of === 'reading' && isReading);
      t.equal(help.includes(`[--${name}`), isIts, `${command} --${name}`);
      if (isIts) t.ok(help.replaceAll(/\s+/g, ' ').includes(doc), doc);
    }
    for (const line of help.split('\n').slice(1)) t.ok(line.length <= 100, line);
  }
  t.strictSame(readCommandLine(['--help']), { kind: 'help', command: null });
  t.strictSame(readCommandLine(['serve', '--help']), { kind: 'help', command: null });
});

t.test('the manual of the configuration names every option and its variable', async (t) => {
  const manual = renderConfigPage();
  for (const key of OPTION_KEYS) {
    t.match(manual, `.It Cm ${key}\n`);
    t.match(manual, `Variable: ${variableOf(key)}.\n`);
  }
});

t.test('no line of a manual begins with a request by accident', async (t) => {
  for (const line of [...renderProgramPage().split('\n'), ...renderConfigPage().split('\n')]) {
    if (/^[.']/.test(line)) t.match(line, /^\.(?:\\"|[A-Z][a-z]\b)/, line);
  }
});

t.test('bash completes commands, flags and words', { skip: !findProgram('bash') }, async (t) => {
  const completed = (...words: readonly string[]): readonly string[] => {
    const call = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _faktory_bouncer; echo "\${COMPREPLY[@]}"`;
    const script = `${renderCompletion('bash')}\n${call}`;
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split(' ');
  };
  t.same(completed('faktory-bouncer', 'c'), ['check', 'completion']);
  t.same(completed('faktory-bouncer', '--mode', 'p'), ['pooled']);
  t.same(completed('faktory-bouncer', 'top', '--o'), ['--once']);
  t.same(completed('faktory-bouncer', 'advise', '--j'), ['--json']);
  t.same(completed('faktory-bouncer', 'advise', '--o'), ['']);
  t.same(completed('faktory-bouncer', '--on'), ['']);
  t.same(completed('faktory-bouncer', 'completion', 'z'), ['zsh']);
});

t.test('an unknown shell is misuse', async (t) => {
  t.same(readCommandLine(['completion', 'fish']), { kind: 'completion', shell: 'fish' });
  for (const args of [['completion'], ['completion', 'csh'], ['completion', 'zsh', 'x']]) {
    t.match(readCommandLine(args), { kind: 'misuse', text: /name one shell of bash, zsh, fish/ });
  }
});

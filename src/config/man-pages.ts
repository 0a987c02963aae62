// The manual pages, in mdoc(7), made from the tables of flags and options. Pure.

import { COMMANDS, FLAG_LIST, type Flag } from './flags.ts';
import { OPTIONS, OPTION_KEYS, SECTIONS, variableOf } from './options.ts';
import { sectionsOf } from './render-yaml.ts';

/** faktory-bouncer(1): the program. */
export function renderProgramPage(): string {
  const flags = FLAG_LIST.flatMap(([name, flag]) => [`.It ${names(name, flag)}`, text(flag.doc)]);
  const commands = Object.entries(COMMANDS).flatMap(([name, doc]) => [`.It Cm ${name}`, text(doc)]);
  return page('faktory-bouncer', 1, 'connection-governing proxy in front of Faktory', [
    '.Sh SYNOPSIS',
    '.Nm',
    '.Op Fl Fl config Ar FILE',
    '.Op Fl Fl listen Ar HOST:PORT',
    '.Op Fl Fl server Ar URL',
    '.Op Fl Fl mode Cm session | pooled',
    '.Nm',
    '.Cm check Ar FILE',
    '.Nm',
    '.Cm top',
    '.Op Fl Fl url Ar URL',
    '.Op Fl Fl once',
    '.Op Fl Fl json',
    '.Nm',
    '.Cm completion Cm bash | zsh | fish',
    '.Sh DESCRIPTION',
    '.Nm',
    text(
      'is a TCP proxy in front of an unmodified Faktory 1.7. It counts and caps connections. A connection over a cap waits, or is refused with an error message that clients of Faktory show. In pooled mode many clients share few connections to Faktory.',
    ),
    '.Ss Commands',
    ...list(commands),
    '.Ss Flags',
    ...list(flags),
    '.Sh ENVIRONMENT',
    text(
      'Every option of faktory-bouncer.yaml(5) has a variable. FAKTORY_BOUNCER_CONFIG names the configuration file. FAKTORY_PASSWORD holds the password of Faktory, or the path of a file that holds it.',
    ),
    '.Sh SIGNALS',
    ...list([
      '.It SIGTERM , SIGINT , SIGQUIT',
      text('The bouncer drains and ends. A second signal ends it at once.'),
      '.It SIGHUP',
      text('The bouncer reloads its configuration. A wrong configuration changes nothing.'),
    ]),
    '.Sh EXIT STATUS',
    ...list([
      '.It 0',
      text('The bouncer was stopped in good order, by a signal or over the admin API.'),
      '.It 1',
      text('The bouncer failed at run time.'),
      '.It 2',
      text('The configuration or the usage is wrong.'),
    ]),
    '.Sh SEE ALSO',
    '.Xr faktory-bouncer.yaml 5',
  ]);
}

/** faktory-bouncer.yaml(5): the configuration. */
export function renderConfigPage(): string {
  const sections = [...new Set(OPTION_KEYS.map((key) => sectionsOf(key)[0] ?? ''))];
  const body = sections.flatMap((section) => {
    const keys = OPTION_KEYS.filter((key) => (sectionsOf(key)[0] ?? '') === section);
    const about = SECTIONS[section];
    return [
      `.Ss ${section === '' ? 'Without a section' : section}`,
      ...(about === undefined ? [] : [text(about)]),
      ...list(keys.flatMap(item)),
    ];
  });
  return page('faktory-bouncer.yaml', 5, 'configuration of faktory-bouncer', [
    '.Sh DESCRIPTION',
    text(
      'A YAML file, named by --config or FAKTORY_BOUNCER_CONFIG. A key with a dot is written in its section. Environment variables override the file, and flags override both. Durations have a unit: 250ms, 2s, 5m, 1h. Sizes have a unit: 100B, 64KiB, 16MiB, 1GiB.',
    ),
    '.Sh OPTIONS',
    ...body,
    '.Sh SEE ALSO',
    '.Xr faktory-bouncer 1',
  ]);
}

function item(key: (typeof OPTION_KEYS)[number]): readonly string[] {
  const { kind, fallback, reloadable, doc } = OPTIONS[key];
  const shown = String(fallback) === '' ? 'empty' : String(fallback);
  const facts = [
    `Allowed: ${kind.range.replaceAll('`', '')}.`,
    `Default: ${shown}.`,
    `Variable: ${variableOf(key)}.`,
    reloadable ? 'A reload applies it.' : 'It needs a restart.',
  ];
  return [`.It Cm ${escaped(key)}`, text(doc), ...facts.map(text)];
}

function page(name: string, section: 1 | 5, about: string, body: readonly string[]): string {
  const lines = [
    '.\\" Written by `npm run generate`.',
    '.Dd $Mdocdate$',
    `.Dt ${name.toUpperCase()} ${section}`,
    '.Os',
    '.Sh NAME',
    `.Nm ${name}`,
    `.Nd ${about}`,
    ...body,
  ];
  return `${lines.join('\n')}\n`;
}

function list(items: readonly string[]): readonly string[] {
  return ['.Bl -tag -width Ds', ...items, '.El'];
}

function names(name: string, { short, argument }: Flag): string {
  const taken =
    argument.kind === 'none'
      ? ''
      : argument.kind === 'words'
        ? ` Cm ${argument.words.join(' | ')}`
        : ` Ar ${argument.kind === 'file' ? 'FILE' : argument.name}`;
  return `${short === undefined ? '' : `Fl ${short} , `}Fl Fl ${name}${taken}`;
}

/** One sentence a line, as mdoc wants it. */
function text(sentences: string): string {
  return escaped(sentences).replaceAll(/(?<=\.) (?=[A-Z])/g, '\n');
}

/** A line must not begin with a control character of roff. */
function escaped(line: string): string {
  return line.replaceAll('\\', '\\e').replace(/^(?=[.'])/, '\\&');
}

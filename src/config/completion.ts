// The completion of commands and flags for shells, made from the table of flags. Pure.

import { COMMANDS, FLAG_LIST, type Flag, type FlagName, type Shell, SHELLS } from './flags.ts';

/** A script for `shell`. */
export function renderCompletion(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash();
    case 'zsh':
      return zsh();
    case 'fish':
      return fish();
  }
}

function bash(): string {
  const cases = FLAG_LIST.flatMap(([name, flag]) => {
    const words = wordsOf(flag);
    if (words === null) return [];
    return [`    ${namesOf(name, flag).join('|')}) ${words}; return ;;`];
  });
  return `# bash completion for faktory-bouncer: source it, or put it into
# /usr/share/bash-completion/completions/faktory-bouncer
_faktory_bouncer() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  case $before in
${cases.join('\n')}
    check) COMPREPLY=($(compgen -f -- "$word")); return ;;
    completion) COMPREPLY=($(compgen -W '${SHELLS.join(' ')}' -- "$word")); return ;;
  esac
  if [[ \${COMP_WORDS[1]} == top ]]; then
    COMPREPLY=($(compgen -W '${flagsOf('top')}' -- "$word"))
  elif [[ \${COMP_WORDS[1]} == advise ]]; then
    COMPREPLY=($(compgen -W '${flagsOf('advise')}' -- "$word"))
  elif [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '${Object.keys(COMMANDS).join(' ')} ${flagsOf('run')}' -- "$word"))
  else
    COMPREPLY=($(compgen -W '${flagsOf('run')}' -- "$word"))
  fi
}
complete -o default -F _faktory_bouncer faktory-bouncer
`;
}

/** What completes the argument of a flag in bash; null if it has none. */
function wordsOf({ argument }: Flag): string | null {
  switch (argument.kind) {
    case 'none':
      return null;
    case 'file':
      return 'COMPREPLY=($(compgen -f -- "$word"))';
    case 'words':
      return `COMPREPLY=($(compgen -W '${argument.words.join(' ')}' -- "$word"))`;
    case 'text':
      return 'COMPREPLY=()';
  }
}

function zsh(): string {
  const specs = FLAG_LIST.map(([name, flag]) => {
    const names = namesOf(name, flag);
    const all = names.length === 1 ? names[0] : `{${names.join(',')}}`;
    return `    ${all}'[${flag.doc.replaceAll("'", "'\\''").replaceAll(':', '\\:')}]${zshArgument(flag)}'`;
  });
  return `#compdef faktory-bouncer
_arguments \\
${specs.join(' \\\n')} \\
    '1:command:(${Object.keys(COMMANDS).join(' ')})' \\
    '2:argument:_files'
`;
}

function zshArgument({ argument }: Flag): string {
  switch (argument.kind) {
    case 'none':
      return '';
    case 'file':
      return ':file:_files';
    case 'words':
      return `:word:(${argument.words.join(' ')})`;
    case 'text':
      return `:${argument.name.replaceAll(':', '\\:')}: `;
  }
}

function fish(): string {
  const commands = Object.entries(COMMANDS).map(
    ([name, doc]) =>
      `complete -c faktory-bouncer -n __fish_use_subcommand -a ${name} -d ${quoted(doc)}`,
  );
  const flags = FLAG_LIST.map(([name, flag]) => {
    const parts = ['complete -c faktory-bouncer', `-l ${name}`];
    if (flag.short !== undefined) parts.push(`-s ${flag.short}`);
    const seen = commandsOf(flag);
    if (seen !== '') parts.push(`-n '__fish_seen_subcommand_from ${seen}'`);
    if (flag.argument.kind !== 'none') parts.push('-r');
    if (flag.argument.kind === 'words') parts.push(`-a ${quoted(flag.argument.words.join(' '))}`);
    return `${parts.join(' ')} -d ${quoted(flag.doc)}`;
  });
  const shells = `complete -c faktory-bouncer -n '__fish_seen_subcommand_from completion' -f -a ${quoted(SHELLS.join(' '))}`;
  return `${[...commands, shells, ...flags].join('\n')}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}

function namesOf(name: FlagName, { short }: Flag): readonly string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

/** The commands that a flag belongs to, for fish; empty: not only to some. */
function commandsOf({ of }: Flag): string {
  switch (of) {
    case 'top':
    case 'advise':
      return of;
    case 'reading':
      return 'top advise';
    case 'run':
    case 'any':
      return '';
  }
}

/** Flags of a command, and those of all. */
function flagsOf(of: 'run' | 'top' | 'advise'): string {
  const names = FLAG_LIST.filter(
    ([, flag]) => flag.of === of || flag.of === 'any' || (of !== 'run' && flag.of === 'reading'),
  );
  return names.map(([name]) => `--${name}`).join(' ');
}

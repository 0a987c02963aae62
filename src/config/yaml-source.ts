// A YAML text as a list of options that it sets, each with its place. Promise: nothing in the text
// can name anything but an option, so no alias is expanded and no object takes a key from it.
// Whether the values are allowed is left to the loader.

import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Pair, ParsedNode, Scalar, YAMLMap, YAMLSeq } from 'yaml';

import { OPTIONS, OPTION_KEYS, SECTIONS, isOptionKey, isSection } from './options.ts';
import type { OptionKey } from './options.ts';
import type { Origin, Problem } from './problems.ts';
import { nearest } from './suggest.ts';
import { withoutPasswords } from './urls.ts';
import { DEPTH_MAX, tooDeepAt } from './yaml-depth.ts';

/** One option as an operator wrote it. */
export interface Entry {
  readonly key: OptionKey;
  readonly value: unknown;
  readonly origin: Origin;
}

/** Every option written out with comments takes 8 KiB. */
export const FILE_BYTES_MAX = 256 * 1024;

/** Syntax errors that are shown at once: one slip causes many of them. */
const SYNTAX_PROBLEMS_MAX = 20;

/** What the text sets, and everything that is wrong with its shape. */
export function readYaml(
  file: string,
  text: string,
): { readonly entries: readonly Entry[]; readonly problems: readonly Problem[] } {
  return new YamlReader(file).read(text);
}

class YamlReader {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #entries: Entry[] = [];
  readonly #problems: Problem[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): { entries: readonly Entry[]; problems: readonly Problem[] } {
    if (text.trim() === '') {
      // It is more often what a full disk or an interrupted write has left than a wish.
      this.#refuse(0, 'Cannot use an empty file. Write {} into it to ask for all defaults.');
    } else if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
      this.#refuse(
        0,
        `Cannot read the file: it has more than ${FILE_BYTES_MAX} bytes. Is it the right file?`,
      );
    } else {
      this.#readDocument(text);
    }
    return { entries: this.#entries, problems: this.#problems };
  }

  #readDocument(text: string): void {
    const deep = tooDeepAt(text);
    if (deep !== null) {
      this.#problems.push({
        origin: { kind: 'file', file: this.#file, ...deep },
        text: `Cannot read the YAML: more than ${DEPTH_MAX} levels deep. Write at most three levels of keys.`,
      });
      return;
    }
    const { contents, errors, warnings } = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
    });
    const wrong = [...errors, ...warnings];
    for (const { code, message, pos } of wrong.slice(0, SYNTAX_PROBLEMS_MAX)) {
      this.#refuse(pos[0], `Cannot read the YAML: ${yamlWords(code, message)}`);
    }
    // After a syntax error the rest of the tree is a guess, and problems found in it mislead.
    if (errors.length > 0 || contents === null) return;
    if (isMap(contents)) this.#readMap(contents, '');
    else if (!isScalar(contents) || contents.value !== null) {
      this.#refuse(contents.range[0], 'Cannot read the file: write options as "key: value" lines.');
    }
  }

  #readMap(map: YAMLMap.Parsed, section: string): void {
    const firstLines = new Map<string, number>();
    for (const pair of map.items) {
      const offset = pair.key.range[0];
      if (!isScalar(pair.key)) {
        this.#refuse(offset, 'Cannot read a key: write it as a plain word, without * ? [ or {.');
        continue;
      }
      const name = String(pair.key.value);
      const key = section === '' ? name : `${section}.${name}`;
      const firstLine = firstLines.get(name);
      if (firstLine === undefined) firstLines.set(name, this.#lines.linePos(offset).line);
      else
        this.#refuse(
          offset,
          `Cannot set ${shownKey(key)} twice: line ${firstLine} has it too. Keep one of them.`,
        );
      this.#readPair(pair, key, section);
    }
  }

  #readPair(
    { key: keyNode, value: node }: Pair<ParsedNode, ParsedNode | null>,
    key: string,
    section: string,
  ) {
    const keyOffset = keyNode.range[0];
    const offset = node?.range[0] ?? keyOffset;
    if (isAlias(node)) {
      this.#refuse(offset, `Cannot use an alias for ${shownKey(key)}: write the value itself.`);
    } else if (isOptionKey(key) && isDotted(keyNode)) {
      const [parent = '', name = ''] = key.split('.').slice(-2);
      this.#refuse(
        keyOffset,
        `Cannot use ${key}: write it as "${name}:", indented under "${parent}:".`,
      );
    } else if (isOptionKey(key)) {
      if (node === null || isScalar(node) || isListFor(key, node)) {
        const value = valueOf(node);
        this.#entries.push({
          key,
          value,
          origin: this.#origin(value === null ? keyOffset : offset),
        });
      } else if (OPTIONS[key].kind.takesLists && isSeq(node) && node.items.every(isScalar)) {
        const value = node.items.map((item) => (isScalar(item) ? item.value : null));
        this.#entries.push({ key, value, origin: this.#origin(offset) });
      } else {
        const found = isMap(node) ? 'a section' : 'a list';
        const instead = isListKey(key) ? 'a list of plain values' : 'a single value';
        this.#refuse(offset, `Cannot use ${key}: found ${found}; write ${instead}.`);
      }
    } else if (isSection(key) && !isDotted(keyNode)) {
      if (isMap(node)) this.#readMap(node, key);
      else if (node !== null && !(isScalar(node) && node.value === null)) {
        this.#refuse(
          offset,
          `Cannot use ${key}: it is a section; write its options indented below it: ${namesIn(key).join(', ')}.`,
        );
      }
    } else {
      this.#refuse(
        keyOffset,
        `Cannot use ${shownKey(key)}: there is no such option. ${hint(key, section)}`,
      );
    }
  }

  #origin(offset: number): Origin {
    const { line, col } = this.#lines.linePos(offset);
    // An empty text has no lines for the counter, people call its place line 1.
    return { kind: 'file', file: this.#file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  #refuse(offset: number, text: string): void {
    this.#problems.push({ origin: this.#origin(offset), text: withoutPasswords(text) });
  }
}

/** Whether the option is written as a list. */
function isListKey(key: OptionKey): boolean {
  return Array.isArray(OPTIONS[key].fallback);
}

/** Whether `node` is a list of plain values, and the option takes one. */
function isListFor(key: OptionKey, node: ParsedNode): node is YAMLSeq.Parsed {
  return isListKey(key) && isSeq(node) && node.items.every((item) => isScalar(item));
}

function valueOf(node: Scalar.Parsed | YAMLSeq.Parsed | null): unknown {
  if (node === null || isScalar(node)) return node?.value ?? null;
  return node.items.map((item) => (isScalar(item) ? item.value : null));
}

/** The library's words, except for two slips for which it has no advice. */
function yamlWords(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'found a second document after ---; keep one';
  const words = message.split('\n', 1)[0] ?? '';
  if (code !== 'UNEXPECTED_TOKEN' && code !== 'MISSING_CHAR') return words;
  return `${words}; put quotes around a value such as "[::1]:7519"`;
}

/** What an operator probably meant with `key` in `section`. */
function hint(key: string, section: string): string {
  const here = namesIn(section);
  const name = section === '' ? key : key.slice(section.length + 1);
  const near = nearest(name, here);
  if (near !== null) return `Did you mean ${section === '' ? near : `${section}.${near}`}?`;
  const elsewhere =
    OPTION_KEYS.find((known) => known.split('.').at(-1) === name) ?? nearest(key, OPTION_KEYS);
  if (elsewhere !== null) return `Did you mean ${elsewhere}?`;
  return `Known here: ${here.join(', ')}.`;
}

/** The names that a section, or with an empty name the file itself, can hold. */
function namesIn(section: string): readonly string[] {
  const prefix = section === '' ? '' : `${section}.`;
  const keys = [...Object.keys(SECTIONS), ...OPTION_KEYS].filter((key) => key.startsWith(prefix));
  return keys.map((key) => key.slice(prefix.length)).filter((name) => !name.includes('.'));
}

/** Whether it is written as `listen.tls:`. */
function isDotted(keyNode: ParsedNode): boolean {
  return isScalar(keyNode) && String(keyNode.value).includes('.');
}

/** A key that is not a plain word is an accident: cut it and show its control characters. */
function shownKey(key: string): string {
  return /^[\w.-]{1,60}$/.test(key) ? key : JSON.stringify(key.slice(0, 60));
}

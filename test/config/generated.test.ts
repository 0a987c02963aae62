// The generated files are those in the repository, and mean what the table means.

import { readFileSync } from 'node:fs';
import t from 'tap';

import { GENERATED, renderSchema, renderYaml } from '../../src/config/generate.ts';
import { loadConfig } from '../../src/config/load.ts';
import { OPTION_KEYS } from '../../src/config/options.ts';

t.test('every generated file equals the one in the repository', (t) => {
  for (const [path, render] of Object.entries(GENERATED)) {
    const committed = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    t.equal(committed, render(), `${path} is not what the table gives: run npm run generate`);
  }
  t.end();
});

t.test('the generated file loads as the defaults', (t) => {
  const sources = { environment: {}, flags: [], readFile: () => Buffer.from('') };
  const generated = loadConfig({ ...sources, file: { name: 'x', text: renderYaml() } });
  t.strictSame(generated, loadConfig({ ...sources, file: null }));
  t.ok('config' in generated);
  t.match(renderYaml(), /^# yaml-language-server: \$schema=\.\/faktory-bouncer\.schema\.json\n/);
  t.end();
});

t.test('the schema has every option with description and default, and nothing more', (t) => {
  const schema: Schema = JSON.parse(renderSchema());
  t.equal(schema.additionalProperties, false);
  for (const key of OPTION_KEYS) {
    let place: Schema | undefined = schema;
    for (const name of key.split('.')) {
      t.equal(place?.additionalProperties, false, `${key} is in a closed section`);
      place = place?.properties?.[name];
    }
    t.type(place?.description, 'string', key);
    t.not(place?.default, undefined, key);
  }
  t.notMatch(renderSchema(), '"required":');
  t.end();
});

interface Schema {
  readonly additionalProperties?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly default?: unknown;
}

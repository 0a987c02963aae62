// The filter of both lists.

import { filter } from './model.ts';
import { search } from './stream.ts';

export function Filter() {
  const typed = (event: Event): void => {
    filter.value = (event.currentTarget as HTMLInputElement).value.slice(0, 128);
    void search();
  };
  return (
    <search class="filter">
      <label>
        Filter workers and producers
        <input
          type="search"
          value={filter.value}
          placeholder="ID, name, address or label"
          onInput={typed}
        />
      </label>
    </search>
  );
}

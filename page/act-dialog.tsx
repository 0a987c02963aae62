// The question before an action, with the operator token.

import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { asked, confirm, failure, hasToken } from './acts.ts';

export function ActDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const token = useRef<HTMLInputElement>(null);
  useSignalEffect(() => {
    const { current } = dialog;
    if (asked.value === null) current?.close();
    else if (current?.open === false) current.showModal();
  });
  const act = asked.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (act === null) return;
    const typed = token.current?.value ?? '';
    if (token.current !== null) token.current.value = '';
    void confirm(act, typed);
  };
  return (
    <dialog ref={dialog} aria-labelledby="act-title" onClose={() => (asked.value = null)}>
      <form onSubmit={submit}>
        <h2 id="act-title">{act?.title}?</h2>
        <p>{act?.effect}</p>
        {hasToken.value ? null : (
          <label>
            Operator token
            <input ref={token} type="password" name="token" autocomplete="off" required />
          </label>
        )}
        <p class="failure" role="alert">
          {failure.value}
        </p>
        <div class="buttons">
          <button type="button" onClick={() => (asked.value = null)}>
            Cancel
          </button>
          <button type="submit" class="danger">
            Do it
          </button>
        </div>
      </form>
    </dialog>
  );
}

// PUSH lines for tests and for programs that are none. Promise: no two of a process have one jid.

let lastJob = 0;

/** A PUSH line with a jid of its own; `fields` go into the job. */
export function pushLine(fields: object = {}): { readonly jid: string; readonly line: string } {
  lastJob += 1;
  const jid = `job-${String(lastJob).padStart(8, '0')}`;
  const job = { jid, jobtype: 'test', args: [], queue: 'default', ...fields };
  return { jid, line: `PUSH ${JSON.stringify(job)}` };
}

// What an operator can change about the lanes while they work.

export interface LaneSettings {
  /** How long a command waits for a server connection; 0: not at all. */
  readonly outageWaitMs: number;
  /** Whether PUSHes that wait for a server connection are sent as one PUSHB. */
  readonly bulkPush: boolean;
  /** FETCHes that one worker has at Faktory while jobs flow and the server is fast. */
  readonly fetchesPerWorker: number;
  /** Most server connections of one worker, whatever it asks for. */
  readonly fetchesPerWorkerMax: number;
  /** How long a worker's server connection beyond the first stays without a FETCH. */
  readonly lingerMs: number;
  /** How long a job whose client has left waits for a taker before it is given back. */
  readonly holdMs: number;
}

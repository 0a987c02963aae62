// Whoever a wire works for: what it hears, and in which words it tells the wire what to do.

/** How a wire ended. */
export type WireEnd =
  /** Both sides have closed, or the owner destroyed it. */
  | { readonly kind: 'closed' }
  /** The system's error, by its code: ECONNRESET, ETIMEDOUT, EMFILE. */
  | { readonly kind: 'failed'; readonly code: string }
  /** The peer did not take what was written to it. */
  | { readonly kind: 'stalled' }
  /** The owner threw; it was reported. */
  | { readonly kind: 'bug' };

/** Who a wire works for. */
export interface WireOwner {
  /** From now on it may be written to: it was accepted, or is connected, and its stage is over. */
  onReady(): void;
  /** Bytes have come, at `now` (monotonic ms). They are borrowed: overwritten after the call. */
  onData(chunk: Buffer, now: number): void;
  /** All that was written has been taken; only after a write() that returned false. */
  onDrain(): void;
  /**
   * The peer has sent its FIN. What is written still reaches it where the socket is half-open, as
   * those that were accepted are; nothing may be written to one that was dialled.
   */
  onEnd(): void;
  /** The wire is over, and so is its file descriptor; the last call. */
  onClose(end: WireEnd): void;
}

/** Why a wire is not read. Reading goes on when no reason is left. */
export type PauseReason =
  /** The peer has sent more ahead than is taken up. */
  | 'read_ahead'
  /** All connections together hold too much. */
  | 'budget'
  /** Whoever the bytes are for does not take them. */
  | 'replies';

/** How a wire parts from its peer. */
export type Parting =
  /** Sends FIN, and lingers for the peer's. */
  | 'fin'
  /** Sends FIN, and is destroyed as soon as that and what is before it have been taken. */
  | 'fin_and_gone'
  /** Sends no FIN, and lingers for the peer's: the side that closes first keeps the port for a while. */
  | 'await_fin'
  /** The same, for as long as the peer takes; what comes until then is dropped, however much it is. */
  | 'await_fin_patiently';

/** What is on record of a resumable upload. */
export interface UploadRecord {
  id: string;
  sizeBytes: number;
  /** Names this beginning of it: a client may begin anew. Null: room is reserved for it, and nothing has been sent. */
  attempt: string | null;
  /** Milliseconds since the epoch: what is not complete by then is given up. */
  expiresAt: number;
  /** While a piece with a checksum arrives: only so many bytes count. */
  checkedBytes: number | null;
  isSettled: boolean;
}

/** Where that is kept. Survives a restart, and is the same for all nodes. */
export interface UploadRecords {
  find(id: string): Promise<UploadRecord | null>;
  /** It begins, or begins anew. */
  begin(id: string, attempt: string): Promise<void>;
  setCheckedBytes(id: string, bytes: number | null): Promise<void>;
  remove(id: string): Promise<void>;
}

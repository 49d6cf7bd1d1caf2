/** What is on record of a resumable upload. */
export interface UploadRecord {
  id: string;
  sizeBytes: number;
  /** ISO 8601. Null: room is reserved for it, and nothing has been sent. */
  begunAt: string | null;
  /** While a piece with a checksum arrives: only so many bytes count. */
  checkedBytes: number | null;
  isSettled: boolean;
}

/** Where that is kept. Survives a restart, and is the same for all nodes. */
export interface UploadRecords {
  find(id: string): Promise<UploadRecord | null>;
  /** It begins, or begins anew. */
  begin(id: string, begunAt: string): Promise<void>;
  setCheckedBytes(id: string, bytes: number | null): Promise<void>;
  remove(id: string): Promise<void>;
}

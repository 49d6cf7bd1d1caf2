/** The little of it that the tests use; the package brings no types. */
declare module 'pg' {
  export class Client {
    constructor(options: { host: string; port: number; user: string; connectionTimeoutMillis: number });
    connect(): Promise<void>;
    query(statement: string): Promise<{ rows: Record<string, string>[] }>;
    end(): Promise<void>;
  }
}

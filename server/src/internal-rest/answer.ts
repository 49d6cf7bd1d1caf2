export interface Answer {
  status: number;
  body: unknown;
}

export const refusal = (status: number, code: string): Answer => ({ status, body: { error: { code } } });

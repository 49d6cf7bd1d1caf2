import type { Core } from '@strapi/strapi';
import type { OperatorStatus } from '../../../contracts';
import type { Judgement } from './finding';

/** The Strapi that serves, as the doctor reaches it from the same machine. */
export interface RunningSite {
  /** `http://127.0.0.1:1337`, no trailing slash. */
  origin: string;
  /** Null: it did not tell; `refusal` says why. */
  status: OperatorStatus | null;
  refusal: string | null;
}

export interface Examination {
  /** Loaded beside the running one; it listens nowhere. */
  strapi: Core.Strapi;
  /** Null: none answers. */
  site: RunningSite | null;
  /** Every film and file, however many; else a sample. */
  isThorough: boolean;
}

export interface Check {
  name: string;
  run(examination: Examination): Judgement[] | Promise<Judgement[]>;
}

/** For checks that need a running Strapi. */
export const NOT_RUNNING = 'Strapi does not run, or answers elsewhere (--url).';

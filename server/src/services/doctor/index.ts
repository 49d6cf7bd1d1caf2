import type { Core } from '@strapi/strapi';
import { CHECKS } from './checks';
import type { RunningSite } from './examination';
import type { Finding } from './finding';

export interface DoctorService {
  /** What is well and what is not, check by check. Changes nothing. A check that breaks is a `FAIL` of its own. */
  examine(options: { site: RunningSite | null; isThorough: boolean }): AsyncGenerator<Finding>;
}

export function createDoctorService({ strapi }: { strapi: Core.Strapi }): DoctorService {
  return {
    async *examine(options) {
      for (const { name, run } of CHECKS) {
        try {
          for (const judgement of await run({ strapi, ...options })) yield { check: name, ...judgement };
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          yield { check: name, verdict: 'FAIL', message: `This could not be checked: ${reason}` };
        }
      }
    },
  };
}

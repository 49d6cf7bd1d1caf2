import { VodError } from '../../../errors';
import { getService } from '../../get-service';
import type { Check } from '../examination';
import { fail, ok, warn } from '../finding';

/** By the same judgement that refuses to mint (S2). */
export const secret: Check = {
  name: 'secret',
  run({ strapi }) {
    try {
      getService(strapi, 'keys').accepted();
    } catch (error) {
      if (!(error instanceof VodError) || error.code !== 'secret-refused') throw error;
      return [fail(error.message)];
    }
    const source = process.env.PROTECTED_VOD_SECRET === undefined ? 'app.keys' : 'PROTECTED_VOD_SECRET';
    if (process.env.PROTECTED_VOD_PREVIOUS_SECRET === undefined) return [ok(`${source} is fit for use`)];
    return [
      warn(
        `${source} is fit for use; PROTECTED_VOD_PREVIOUS_SECRET is accepted beside it.`,
        'Remove that variable when the replacement is over.',
      ),
    ];
  },
};

import { z } from 'zod';
import { EVENT_TYPES } from '../../contracts';
import { VodError } from '../errors';
import { secretFlaw } from '../tokens/secret';
import { checkAddress } from './permitted-address';
import { literalAddress } from './post';
import { bareSecret, isSecretForm } from './signature';

const MAX_ENDPOINTS = 20;
const REMEDY = 'Make one with: echo "whsec_$(openssl rand -base64 32)"';

/** Refuses as the site's own secret is refused (S2). The value is in no message. */
const secretSchema = z.string('is missing').superRefine((secret, context) => {
  const flaw = secretFlaw(bareSecret(secret)) ?? (isSecretForm(secret) ? null : 'is not 24 to 64 bytes in base64');
  if (flaw !== null) context.addIssue({ code: 'custom', message: `The secret ${flaw}. ${REMEDY}`, input: null });
});

const webhookSchema = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }),
    secret: secretSchema,
    events: z
      .array(z.enum(EVENT_TYPES))
      .min(1)
      .default([...EVENT_TYPES]),
    allowPrivateNetwork: z.boolean().default(false),
  })
  .superRefine(({ url: address, allowPrivateNetwork }, context) => {
    const url = new URL(address);
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['url'], message, input: null });
    const isEncrypted = url.protocol === 'https:';
    if (url.username !== '' || url.password !== '') refuse('It may not hold a name or password.');
    if (!isEncrypted && !allowPrivateNetwork) refuse('It must begin with https://, unless allowPrivateNetwork is set.');
    const literal = literalAddress(url);
    try {
      if (literal !== null) checkAddress(literal, { allowPrivateNetwork, isEncrypted });
    } catch (error) {
      if (!(error instanceof VodError)) throw error;
      refuse(error.message);
    }
  });

export const webhooksSchema = z.array(webhookSchema).max(MAX_ENDPOINTS);

export type WebhookConfig = z.infer<typeof webhookSchema>;

import { describe, expect, it } from 'vitest';
import { PROTOCOLS } from '../../../../server/contracts';
import { parseConfig } from '../../../../server/src/config';
import { policyOfPrivilege, viewsOfPrivilege } from '../../../../server/src/services/entitlement/privilege';

const site = parseConfig({
  session: { maxConcurrent: 5, maxLifetimeSeconds: 7200 },
  preview: { lifetimeSeconds: 600 },
});
const link = {
  id: 1,
  documentId: 'link',
  video: 'video',
  label: null,
  expiresAt: 2,
  revokedAt: null,
  maxViews: 3,
  passwordHash: null,
  download: true,
  madeBy: '1',
  revokedBy: null,
  madeAt: 1,
};
const editor = { kind: 'editor' } as const;
const guest = { kind: 'guest', link } as const;

describe('in place of a role’s policy', () => {
  it('an editor has minutes, all protocols, and a session that nobody takes over', () => {
    expect(policyOfPrivilege(site, editor)).toMatchObject({
      sessionMaxLifetimeSeconds: 600,
      clientBinding: 'address-prefix',
      maxConcurrent: null,
      maxHeight: null,
      protocols: [...PROTOCOLS],
    });
    expect(viewsOfPrivilege(editor)).toBeNull();
  });

  it('a preview lasts no longer than any session may', () => {
    const short = parseConfig({ session: { maxLifetimeSeconds: 60 } });
    expect(policyOfPrivilege(short, editor).sessionMaxLifetimeSeconds).toBe(60);
  });

  it('a guest has what the site gives, and downloads and views as the link says', () => {
    expect(policyOfPrivilege(site, guest)).toMatchObject({
      sessionMaxLifetimeSeconds: 7200,
      clientBinding: 'hand-over',
      maxConcurrent: null,
      download: true,
    });
    expect(policyOfPrivilege(site, { kind: 'guest', link: { ...link, download: false } }).download).toBe(false);
    expect(viewsOfPrivilege(guest)).toMatchObject({ subject: 'guest-link:link', limit: 3, windowSeconds: null });
    expect(viewsOfPrivilege({ kind: 'guest', link: { ...link, maxViews: null } })).toBeNull();
  });
});

import { randomBytes } from 'node:crypto';
import type { StrapiApp } from './strapi-app';

export interface AdminAccount {
  id: number;
  email: string;
  password: string;
  /** Bearer for admin routes. */
  token: string;
}

export interface SiteUser {
  id: number;
  email: string;
  password: string;
  /** Bearer for the content API. */
  jwt: string;
}

type AdminRoleCode = 'strapi-super-admin' | 'strapi-editor' | 'strapi-author';

const newPassword = () => `Aa1-${randomBytes(12).toString('base64url')}`;
const newEmail = (name: string) => `${name}-${randomBytes(4).toString('hex')}@example.test`;

async function login(app: StrapiApp, email: string, password: string): Promise<string> {
  const response = await fetch(`${app.url}/admin/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  if (response.status !== 200) throw new Error(`admin login answered ${response.status}: ${await response.text()}`);
  const body = (await response.json()) as { data: { token: string } };
  return body.data.token;
}

async function addAdmin(app: StrapiApp, roleId: number, lastname: string): Promise<AdminAccount> {
  const email = newEmail('admin');
  const password = newPassword();
  const user = await app.strapi.service('admin::user').create({
    email,
    password,
    firstname: 'Test',
    lastname,
    isActive: true,
    roles: [roleId],
  });
  return { id: user.id, email, password, token: await login(app, email, password) };
}

/** Makes an admin of the given role and logs in over HTTP. */
export async function createAdmin(app: StrapiApp, role: AdminRoleCode = 'strapi-super-admin'): Promise<AdminAccount> {
  const found = await app.strapi.db.query('admin::role').findOne({ where: { code: role } });
  return addAdmin(app, found.id, role);
}

/** Makes an admin of a role of its own that holds exactly these actions. */
export async function createAdminWith(
  app: StrapiApp,
  permissions: { action: string; subject?: string | null; conditions?: string[]; properties?: object }[],
): Promise<AdminAccount> {
  const name = `role-${randomBytes(4).toString('hex')}`;
  const role = await app.strapi.service('admin::role').create({ name, description: name });
  await app.strapi.service('admin::role').assignPermissions(
    role.id,
    permissions.map((p) => ({ subject: null, conditions: [], properties: {}, ...p })),
  );
  return addAdmin(app, role.id, name);
}

/** Makes a Users & Permissions role; `type` is the name in lower case. */
export async function createSiteRole(app: StrapiApp, type: string): Promise<{ id: number; type: string }> {
  const role = await app.strapi.db
    .query('plugin::users-permissions.role')
    .create({ data: { name: type, description: type, type } });
  return { id: role.id, type };
}

/** The Users & Permissions role of a type, e.g. `authenticated` or `public`. */
export async function findSiteRole(app: StrapiApp, type: string): Promise<{ id: number; type: string }> {
  const role = await app.strapi.db.query('plugin::users-permissions.role').findOne({ where: { type } });
  if (!role) throw new Error(`no role of type ${type}`);
  return { id: role.id, type };
}

/** Ticks an action for a role; takes effect at once. Returns the id of the permission row. */
export async function grantPermission(app: StrapiApp, role: { id: number }, action: string): Promise<number> {
  const row = await app.strapi.db
    .query('plugin::users-permissions.permission')
    .create({ data: { action, role: role.id } });
  return row.id;
}

/** Makes a confirmed site user of a role and logs in over HTTP. */
export async function createSiteUser(app: StrapiApp, role: { id: number }, name = 'viewer'): Promise<SiteUser> {
  const email = newEmail(name);
  const password = newPassword();
  const user = await app.strapi.plugin('users-permissions').service('user').add({
    username: email,
    email,
    password,
    provider: 'local',
    confirmed: true,
    blocked: false,
    role: role.id,
  });
  const response = await fetch(`${app.url}/api/auth/local`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier: email, password }),
  });
  if (response.status !== 200) throw new Error(`login answered ${response.status}: ${await response.text()}`);
  const body = (await response.json()) as { jwt: string };
  return { id: user.id, email, password, jwt: body.jwt };
}

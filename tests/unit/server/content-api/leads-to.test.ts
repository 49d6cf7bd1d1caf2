import { describe, expect, it } from 'vitest';
import { type Attributes, leadsTo } from '../../../../server/src/content-api/leads-to';

const relation = (target: string) => ({ type: 'relation', target });

const TYPES: Record<string, Attributes> = {
  film: { title: { type: 'string' }, cover: { type: 'media' }, maker: relation('admin') },
  course: { films: relation('film') },
  order: { course: relation('course'), buyer: relation('user') },
  user: { orders: relation('order') },
  teaser: { film: relation('film') },
  page: { hero: { type: 'component', component: 'teaser' } },
  landing: { blocks: { type: 'dynamiczone', components: ['text', 'teaser'] } },
  text: { body: { type: 'string' } },
  note: { text: { type: 'component', component: 'text' }, cover: { type: 'media' }, author: relation('admin') },
  admin: { notes: relation('note') },
  bookmark: { of: { type: 'relation' } },
  broken: { gone: relation('nowhere') },
};

describe('an answer can hold a film', () => {
  const canHold = (uid: string) => leadsTo((one) => TYPES[one] ?? null, uid, 'film');

  it.each(['film', 'course', 'order', 'user', 'teaser', 'page', 'landing', 'bookmark'])('of %s', (uid) => {
    expect(canHold(uid)).toBe(true);
  });

  it.each(['note', 'text', 'admin', 'broken', 'nowhere'])('not of %s', (uid) => {
    expect(canHold(uid)).toBe(false);
  });
});

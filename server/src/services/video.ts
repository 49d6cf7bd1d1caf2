import { factories } from '@strapi/strapi';
import { VIDEO_UID } from '../content-types/uids';

/** Strapi's own collection service: the content API's `find` and `findOne` read through it. */
export const createVideoService = factories.createCoreService(VIDEO_UID);

import { HIDDEN } from '../hidden';

/**
 * What administrators set while the site runs, one row per subject. Not Strapi's plugin store, which has no unique index:
 * the first writes of two nodes at once would leave two rows, and which of them counts would be chance.
 */
export const settingSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_settings',
  info: { singularName: 'setting', pluralName: 'settings', displayName: 'Setting' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    name: { type: 'string', required: true },
    value: { type: 'json', required: true },
  },
  indexes: [{ type: 'unique', name: 'pvod_setting', columns: ['name'] }],
} as const;

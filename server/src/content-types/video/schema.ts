/** What editors write. `source` and every access field are the same in all locales (S10). */
export const videoSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_videos',
  info: {
    singularName: 'video',
    pluralName: 'videos',
    displayName: 'Video',
    description: 'A film and who may watch it',
  },
  options: { draftAndPublish: true },
  pluginOptions: { i18n: { localized: true } },
  attributes: {
    title: { type: 'string', required: true, pluginOptions: { i18n: { localized: true } } },
    slug: { type: 'uid', targetField: 'title', pluginOptions: { i18n: { localized: true } } },
    description: { type: 'text', pluginOptions: { i18n: { localized: true } } },
    source: {
      type: 'media',
      multiple: false,
      allowedTypes: ['videos', 'audios'],
      pluginOptions: { i18n: { localized: false } },
    },
    poster: { type: 'media', multiple: false, allowedTypes: ['images'], pluginOptions: { i18n: { localized: true } } },
    /** Role types, e.g. `["subscriber"]`. Empty: every role that holds the playback permission. */
    allowedRoles: { type: 'json', private: true, pluginOptions: { i18n: { localized: false } } },
    availableFrom: { type: 'datetime', private: true, pluginOptions: { i18n: { localized: false } } },
    availableUntil: { type: 'datetime', private: true, pluginOptions: { i18n: { localized: false } } },
    downloadable: { type: 'boolean', default: false, private: true, pluginOptions: { i18n: { localized: false } } },
    tags: { type: 'json', pluginOptions: { i18n: { localized: true } } },
  },
} as const;

/** The plugin's name in Strapi: REST prefix, config namespace, content-type namespace. */
export const PLUGIN_ID = 'protected-vod';

/** Where Strapi's own port passes requests on to the streamer. */
export const PROXY_MOUNT = `/${PLUGIN_ID}/stream`;

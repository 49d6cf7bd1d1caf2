import { PLUGIN_ID } from '../../server/contracts/plugin-id';

/** Editors work in the Content Manager; the plugin's own pages come later. */
export default {
  register(app: { registerPlugin(plugin: { id: string; name: string }): void }): void {
    app.registerPlugin({ id: PLUGIN_ID, name: 'Protected VOD' });
  },
};

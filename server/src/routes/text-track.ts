import { CHANGE_FILES, READ_FILES } from '../services/admin-rights';

function asked(action: string) {
  return {
    policies: ['admin::isAuthenticatedAdmin', { name: 'admin::hasPermissions', config: { actions: [action] } }],
  };
}

/** What editors do with the text tracks of a film; whether with this one, the controller asks. */
export function textTrackAdminRoutes() {
  const path = '/assets/:assetId/text-tracks';
  return {
    type: 'admin',
    routes: [
      { method: 'GET', path, handler: 'text-track.find', config: asked(READ_FILES) },
      { method: 'POST', path, handler: 'text-track.create', config: asked(CHANGE_FILES) },
      { method: 'DELETE', path: `${path}/:id`, handler: 'text-track.delete', config: asked(CHANGE_FILES) },
    ],
  };
}

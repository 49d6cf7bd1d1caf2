import { adminRight } from '../services/admin-rights';

/** What editors ask for before they publish. */
export function previewRoutes() {
  const preview = { policies: adminRight('preview') };
  return {
    type: 'admin',
    routes: [{ method: 'POST', path: '/videos/:documentId/preview-token', handler: 'preview.create', config: preview }],
  };
}

/** What the admin panel asks about stored films. */
export function assetAdminRoutes() {
  const config = {
    policies: [
      'admin::isAuthenticatedAdmin',
      { name: 'admin::hasPermissions', config: { actions: ['plugin::upload.read'] } },
    ],
  };
  return {
    type: 'admin',
    routes: [{ method: 'GET', path: '/assets/:documentId', handler: 'asset.find', config }],
  };
}

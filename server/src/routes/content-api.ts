/** What frontends call. Each action is a tick box in Users & Permissions → Roles, off by default. */
export function contentApiRoutes() {
  return {
    type: 'content-api',
    routes: [
      { method: 'GET', path: '/videos', handler: 'video.find' },
      { method: 'GET', path: '/videos/:id', handler: 'video.findOne' },
      { method: 'POST', path: '/videos/:documentId/playback-token', handler: 'playback.create' },
      { method: 'POST', path: '/subjects/:id/changed', handler: 'subject.vouch' },
    ],
  };
}

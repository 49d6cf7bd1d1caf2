import { adminRight } from '../services/admin-rights';

/** What administrators ask for: who watches, what happened, what is known of one person. */
export function oversightRoutes() {
  const readSessions = { policies: adminRight('sessions.read') };
  const endSessions = { policies: adminRight('sessions.end') };
  const readAudit = { policies: adminRight('audit.read') };
  const readPerson = { policies: adminRight('subjects.read') };
  const erasePerson = { policies: adminRight('subjects.erase') };
  return {
    type: 'admin',
    routes: [
      { method: 'GET', path: '/audit', handler: 'audit.find', config: readAudit },
      { method: 'GET', path: '/audit/export', handler: 'audit.export', config: readAudit },
      { method: 'GET', path: '/audit/:reference', handler: 'audit.findOne', config: readAudit },
      { method: 'GET', path: '/sessions', handler: 'session.find', config: readSessions },
      { method: 'POST', path: '/sessions/end', handler: 'session.endMany', config: endSessions },
      { method: 'POST', path: '/sessions/:id/end', handler: 'session.end', config: endSessions },
      { method: 'GET', path: '/subjects/user/:id', handler: 'personal-data.exportUser', config: readPerson },
      { method: 'DELETE', path: '/subjects/user/:id', handler: 'personal-data.eraseUser', config: erasePerson },
      { method: 'GET', path: '/subjects/external/:id', handler: 'personal-data.exportExternal', config: readPerson },
      { method: 'DELETE', path: '/subjects/external/:id', handler: 'personal-data.eraseExternal', config: erasePerson },
      { method: 'GET', path: '/subjects/guest-link/:id', handler: 'personal-data.exportGuestLink', config: readPerson },
      {
        method: 'DELETE',
        path: '/subjects/guest-link/:id',
        handler: 'personal-data.eraseGuestLink',
        config: erasePerson,
      },
      { method: 'GET', path: '/subjects/admin/:id', handler: 'personal-data.exportAdmin', config: readPerson },
      { method: 'DELETE', path: '/subjects/admin/:id', handler: 'personal-data.eraseAdmin', config: erasePerson },
    ],
  };
}

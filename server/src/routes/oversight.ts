import { adminRight } from '../services/admin-rights';

/** What administrators ask for: who watches, what happened, what is known of one person. */
export function oversightRoutes() {
  const readSessions = { policies: adminRight('sessions.read') };
  const endSessions = { policies: adminRight('sessions.end') };
  const readSubjects = { policies: adminRight('subjects.read') };
  const eraseSubjects = { policies: adminRight('subjects.erase') };
  const readAudit = { policies: adminRight('audit.read') };
  return {
    type: 'admin',
    routes: [
      { method: 'GET', path: '/audit', handler: 'audit.find', config: readAudit },
      { method: 'GET', path: '/audit/export', handler: 'audit.export', config: readAudit },
      { method: 'GET', path: '/audit/:reference', handler: 'audit.findOne', config: readAudit },
      { method: 'GET', path: '/sessions', handler: 'session.find', config: readSessions },
      { method: 'POST', path: '/sessions/end', handler: 'session.endMany', config: endSessions },
      { method: 'POST', path: '/sessions/:id/end', handler: 'session.end', config: endSessions },
      { method: 'GET', path: '/subjects/user/:id', handler: 'subject.export', config: readSubjects },
      { method: 'DELETE', path: '/subjects/user/:id', handler: 'subject.erase', config: eraseSubjects },
      { method: 'GET', path: '/subjects/guest-link/:id', handler: 'subject.exportGuestLink', config: readSubjects },
      { method: 'DELETE', path: '/subjects/guest-link/:id', handler: 'subject.eraseGuestLink', config: eraseSubjects },
    ],
  };
}

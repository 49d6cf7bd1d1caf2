import { adminRight } from '../services/admin-rights';

/** What administrators set about roles. */
export function rolePoliciesAdminRoutes() {
  const read = { policies: adminRight('policies.read') };
  const update = { policies: adminRight('policies.update') };
  return {
    type: 'admin',
    routes: [
      { method: 'GET', path: '/policies', handler: 'role-policies.read', config: read },
      { method: 'PUT', path: '/policies', handler: 'role-policies.replace', config: update },
    ],
  };
}

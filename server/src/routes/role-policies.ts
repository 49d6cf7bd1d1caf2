import { READ_POLICIES, UPDATE_POLICIES } from '../services/role-policies/admin-right';

function mayDo(action: string) {
  return {
    policies: ['admin::isAuthenticatedAdmin', { name: 'admin::hasPermissions', config: { actions: [action] } }],
  };
}

/** What administrators set about roles. */
export function rolePoliciesAdminRoutes() {
  return {
    type: 'admin',
    routes: [
      { method: 'GET', path: '/policies', handler: 'role-policies.read', config: mayDo(READ_POLICIES) },
      { method: 'PUT', path: '/policies', handler: 'role-policies.replace', config: mayDo(UPDATE_POLICIES) },
    ],
  };
}

import { contentApiRoutes } from './content-api';
import { internalRoutes } from './internal';

export const routes = { 'content-api': contentApiRoutes, internal: internalRoutes };

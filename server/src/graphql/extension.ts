import type { Core } from '@strapi/strapi';

interface ShadowCrud {
  disable(): void;
  disableMutations(): void;
  field(name: string): { disableFilters(): void };
}

export type Resolver<Context = unknown> = (
  parent: unknown,
  args: Record<string, unknown>,
  context: Context,
  ...rest: unknown[]
) => unknown;

type Middleware = (next: Resolver, ...call: Parameters<Resolver>) => unknown;

interface Extension {
  typeDefs?: string;
  resolvers?: Record<string, Record<string, Resolver<object>>>;
  resolversConfig?: Record<string, { middlewares: Middleware[] }>;
}

/** As much as is used here of the GraphQL plugin's own way to be extended. */
interface GraphqlExtension {
  shadowCRUD(uid: string): ShadowCrud;
  use(extension: Extension | ((parts: { typeRegistry: { has(type: string): boolean } }) => Extension)): void;
}

/** Null: the site has no GraphQL. */
export function graphqlExtension(strapi: Core.Strapi): GraphqlExtension | null {
  const graphql = strapi.plugin('graphql') as { service(name: string): GraphqlExtension } | undefined;
  return graphql?.service('extension') ?? null;
}

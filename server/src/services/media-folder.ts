import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { configOf } from '../config';

const FOLDER_UID = 'plugin::upload.folder';
const folderSchema = z.object({ path: z.string(), name: z.string() });

/** `/1/4` → `['/1', '/1/4']`: Strapi's folder paths are made of numbers, one level each. */
function pathsDownTo(folderPath: string): string[] {
  const steps = folderPath.split('/').filter((step) => step !== '');
  return steps.map((_, index) => `/${steps.slice(0, index + 1).join('/')}`);
}

const stepsOf = (names: string) => names.split('/').filter((step) => step !== '');

/** Media Library folders as editors see them. */
export function createMediaFolderService({ strapi }: { strapi: Core.Strapi }) {
  const publicFolders = configOf(strapi).storage.publicFolders.map(stepsOf);

  async function namesOf(folderPath: string): Promise<string[]> {
    const paths = pathsDownTo(folderPath);
    if (paths.length === 0) return [];
    const found: unknown[] = await strapi.db.query(FOLDER_UID).findMany({ where: { path: { $in: paths } } });
    const names = new Map(
      z
        .array(folderSchema)
        .parse(found)
        .map((folder) => [folder.path, folder.name]),
    );
    return paths.map((path) => names.get(path) ?? 'unnamed');
  }

  return {
    /** Names from the top; `[]` for the top itself. */
    namesOf,

    /** Whether `storage.publicFolders` names this folder or one above it: films there stay public. */
    async isPublic(folderPath: string): Promise<boolean> {
      if (publicFolders.length === 0) return false;
      const names = await namesOf(folderPath);
      return publicFolders.some((steps) => steps.length > 0 && steps.every((step, index) => names[index] === step));
    },

    /** The folder of these names, made where it is missing; null for the top itself. */
    async ensure(names: readonly string[]): Promise<number | null> {
      let parent: number | null = null;
      for (const name of names) {
        const where = { name, parent };
        const found: unknown = await strapi.db.query(FOLDER_UID).findOne({ where });
        const made: unknown = found ?? (await strapi.plugin('upload').service('folder').create(where));
        parent = z.object({ id: z.number() }).parse(made).id;
      }
      return parent;
    },

    async exists(id: number): Promise<boolean> {
      return (await strapi.db.query(FOLDER_UID).count({ where: { id } })) > 0;
    },
  };
}

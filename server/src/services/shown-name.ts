import path from 'node:path';

/** The name of a Media Library file as editors see it, with the extension that the file has. */
export function shownName({ name, ext }: { name: string; ext?: string | undefined }): string {
  return path.posix.extname(name) === '' ? `${name}${ext ?? ''}` : name;
}

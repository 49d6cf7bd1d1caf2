import { lstatSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ControlKey } from './control-key';

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, with the end; the streamer adds seven while it binds. */
const MAX_PATH_BYTES = 96;
const IS_WINDOWS = process.platform === 'win32';
const DIRECTORY = `protected-vod-${process.getuid?.() ?? 0}`;

/** Only its owner can put a socket there or reach one. */
function isPrivate(directory: string): boolean {
  const status = lstatSync(directory);
  return status.isDirectory() && status.uid === process.getuid?.() && (status.mode & 0o077) === 0;
}

/** Null: it belongs to somebody else, or others may enter. */
function privateDirectory(base: string): string | null {
  const directory = path.join(base, DIRECTORY);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch {
    // It is there, or cannot be made; both are told by what is there.
  }
  try {
    return isPrivate(directory) ? directory : null;
  } catch {
    return null;
  }
}

/** Directories for what lives as long as processes do, the best first. */
function bases(): string[] {
  const runtime = process.env.XDG_RUNTIME_DIR;
  return [...(runtime === undefined ? [] : [runtime]), tmpdir(), '/tmp'];
}

const fits = (file: string): boolean => Buffer.byteLength(file) <= MAX_PATH_BYTES;

export interface ControlPath {
  /** Where a streamer of exactly these settings is found. */
  file: string;
  /** Streamers of the same storage with other settings or of another version that have a socket now. */
  others(): string[];
}

/**
 * Strapi processes that agree on secret, storage root (a real path), version and settings find one streamer at the same
 * path; all others find another. Null: there is no private directory for it whose name is short enough.
 */
export function controlPath(key: ControlKey, storageRoot: string, settings: string): ControlPath | null {
  const site = key.name(storageRoot);
  const name = `${site}-${key.name(settings)}`;
  if (IS_WINDOWS) return { file: `\\\\.\\pipe\\protected-vod-${name}`, others: () => [] };
  for (const base of bases()) {
    const directory = fits(path.join(base, DIRECTORY, name)) ? privateDirectory(base) : null;
    if (directory === null) continue;
    const isOther = (entry: string) => entry.startsWith(`${site}-`) && entry !== name && !entry.includes('.');
    const others = () => readdirSync(directory).filter(isOther);
    return { file: path.join(directory, name), others: () => others().map((entry) => path.join(directory, entry)) };
  }
  return null;
}

/** A path that nobody else knows: its streamer is not shared. */
export function unsharedControlPath(key: ControlKey): string {
  if (IS_WINDOWS) return `\\\\.\\pipe\\protected-vod-${key.name(`${process.pid} ${performance.now()}`)}`;
  const base = fits(path.join(tmpdir(), 'protected-vod-XXXXXX/control')) ? tmpdir() : '/tmp';
  return path.join(mkdtempSync(path.join(base, 'protected-vod-')), 'control');
}

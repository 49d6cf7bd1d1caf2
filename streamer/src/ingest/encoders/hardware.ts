import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** What a run of ffmpeg needs of the machine to use a graphics card. Absolute paths. */
export interface Hardware {
  /** Device nodes. */
  devices: readonly string[];
  /** Libraries of its driver that a container's runtime has mounted one by one: they are not there with their directory. */
  libraries: readonly string[];
}

async function nodesIn(directory: string, name: RegExp): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((one) => name.test(one))
    .sort()
    .map((one) => path.join(directory, one));
}

/** One for each card that can be used without a screen. */
export const renderNodes = (): Promise<string[]> => nodesIn('/dev/dri', /^renderD\d{1,3}$/);

/** All that NVIDIA's driver opens to encode: its cards, what controls them, and their memory. */
export const nvidiaNodes = (): Promise<string[]> => nodesIn('/dev', /^nvidia(\d{1,3}|ctl|-uvm)$/);

const MOUNTED_DRIVER =
  /^\/(?:usr\/)?(?:local\/)?lib(?:32|64)?\/(?:[\w.-]+\/)*lib(?:cuda|nvidia|nvcuvid)[\w.+-]*\.so[\w.]*$/;

/** Of `/proc/self/mountinfo` (proc(5)): mount points that are libraries of NVIDIA's driver. */
export function mountedDriverFiles(mountInfo: string): string[] {
  const points = mountInfo.split('\n').map((line) => line.split(' ')[4] ?? '');
  return [...new Set(points.filter((point) => MOUNTED_DRIVER.test(point)))].sort();
}

export async function driverLibraries(): Promise<string[]> {
  return mountedDriverFiles(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''));
}

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { familyOf } from '../bench/machine';
import { type SiteProcess, startSiteProcess } from './site-process';
import { newSecrets } from './site-secrets';

const ACCOUNT = { email: 'editor@example.test', password: 'Editor-of-films-1', firstname: 'E', lastname: 'F' };

/** What a process and all below it have written to disks so far: /proc/<pid>/io (proc(5)), in bytes. */
function writtenBytesOf(pid: number): number {
  return familyOf(pid).reduce((sum, member) => {
    const io = readFileSync(`/proc/${member}/io`, 'utf8');
    return sum + Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]);
  }, 0);
}

function memoryOf(pid: number, line: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${line}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** A Strapi in a process of its own that is killed and started again on the same storage and database. Linux only. */
export class UploadSite {
  #site: SiteProcess | undefined;
  #url = '';
  #baseBytes = 0;
  #peakGrowthBytes = 0;
  #writtenBytes = 0;
  #token = '';

  private constructor(
    private readonly directory: string,
    private readonly env: Record<string, string>,
  ) {}

  static async start(config: Record<string, object> = {}): Promise<UploadSite> {
    const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-upload-'));
    const { storage, ...rest } = config;
    const site = new UploadSite(directory, {
      ...newSecrets(),
      DATABASE_CLIENT: 'sqlite',
      DATABASE_FILENAME: path.join(directory, 'data.db'),
      PROTECTED_VOD_TEST_CONFIG: JSON.stringify({
        streamer: { mode: 'external' },
        storage: { root: path.join(directory, 'storage'), ...storage },
        ...rest,
      }),
    });
    await site.boot();
    await site.#signIn('/admin/register-admin');
    return site;
  }

  get url(): string {
    return this.#url;
  }

  /** As `AdminAccount`. */
  get token(): string {
    return this.#token;
  }

  get storageRoot(): string {
    return path.join(this.directory, 'storage');
  }

  async boot(): Promise<void> {
    this.#site = await startSiteProcess({ env: this.env });
    this.#url = await this.#site.listening();
    if (this.#token !== '') await this.#signIn('/admin/login');
  }

  /** From here on growth counts. What the process has needed so far is not an upload's. */
  rest(): void {
    const pid = this.#pid();
    this.#baseBytes = memoryOf(pid, 'VmRSS');
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  }

  /** Ends it as a power cut would, and keeps its figures. */
  async kill(): Promise<void> {
    const child = this.#site?.process;
    if (!child) return;
    // Between the look and the end nothing is written.
    child.kill('SIGSTOP');
    this.#count();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await this.#site?.dispose();
    this.#site = undefined;
  }

  /** Of all its processes so far: most resident memory above what it rested with, and bytes written to disks. */
  figures(): { peakGrowthBytes: number; writtenBytes: number } {
    const running = this.#site ? writtenBytesOf(this.#pid()) : 0;
    if (this.#site) this.#peakGrowthBytes = Math.max(this.#peakGrowthBytes, this.#growth());
    return { peakGrowthBytes: this.#peakGrowthBytes, writtenBytes: this.#writtenBytes + running };
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  #pid(): number {
    const pid = this.#site?.process.pid;
    if (pid === undefined) throw new Error('The site does not run.');
    return pid;
  }

  #growth(): number {
    return memoryOf(this.#pid(), 'VmHWM') - this.#baseBytes;
  }

  #count(): void {
    const { peakGrowthBytes, writtenBytes } = this.figures();
    this.#peakGrowthBytes = peakGrowthBytes;
    this.#writtenBytes = writtenBytes;
  }

  async #signIn(route: string): Promise<void> {
    const response = await fetch(this.#url + route, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(route.endsWith('login') ? { email: ACCOUNT.email, password: ACCOUNT.password } : ACCOUNT),
    });
    if (!response.ok) throw new Error(`${route} answered ${response.status}: ${await response.text()}`);
    this.#token = ((await response.json()) as { data: { token: string } }).data.token;
  }
}

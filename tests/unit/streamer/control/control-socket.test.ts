import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ControlSocket,
  type ControlSocketOptions,
  claimControlSocket,
} from '../../../../streamer/src/control/control-socket';
import { until } from '../../../support/until';

let directory: string;
const open: ControlSocket[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'control-'));
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
  rmSync(directory, { recursive: true });
});

async function claim(options: Partial<ControlSocketOptions> = {}): Promise<ControlSocket | null> {
  const socket = await claimControlSocket({
    path: path.join(directory, 'control'),
    onConnection: (connection) => connection.destroy(),
    onLost: () => undefined,
    ...options,
  });
  if (socket !== null) open.push(socket);
  return socket;
}

describe('control socket', () => {
  it('of many that claim it at once, one gets it, and is reached there', async () => {
    const reached: number[] = [];
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        claim({
          onConnection(connection) {
            reached.push(at);
            connection.destroy();
          },
        }),
      ),
    );
    const winners = claims.flatMap((socket, at) => (socket === null ? [] : [at]));
    expect(winners).toHaveLength(1);
    await once(connect(path.join(directory, 'control')), 'close');
    expect([...new Set(reached)]).toEqual(winners);
  });

  it('what a killed process left there is replaced', async () => {
    const file = path.join(directory, 'control');
    const script = `require('node:net').createServer().listen(${JSON.stringify(file)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect(await claim()).toBeNull();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(file)).toBe(true);
    expect((await claim())?.isOurs()).toBe(true);
  });

  it('closing removes its own name, and not that of another that has taken it over', async () => {
    const first = await claim();
    first?.close();
    expect(existsSync(path.join(directory, 'control'))).toBe(false);
    const second = await claim();
    renameSync(path.join(directory, 'control'), path.join(directory, 'moved'));
    const third = await claim();
    second?.close();
    expect(third?.isOurs()).toBe(true);
  });

  it('tells when another has taken it over', async () => {
    let lost = false;
    await claim({
      onLost: () => {
        lost = true;
      },
    });
    renameSync(path.join(directory, 'control'), path.join(directory, 'moved'));
    await claim();
    await until('it knows', () => lost);
  });
});

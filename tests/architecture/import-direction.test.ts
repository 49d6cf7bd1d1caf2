import { describe, expect, it } from 'vitest';
import { type Import, importsOf, sourceFiles } from './source-files';

const imports = importsOf(sourceFiles('server', 'streamer', 'admin', 'strapi-server.ts'));
const among = (folder: string) => imports.filter(({ from }) => from.startsWith(folder));
const offenders = (list: Import[], isWrong: (target: string, from: string) => boolean) =>
  list.filter(({ to, from }) => isWrong(to, from)).map(({ from, to }) => `${from} → ${to}`);

describe('import directions', () => {
  it('imports are found at all', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('contracts import zod and each other, nothing else', () => {
    expect(offenders(among('server/contracts/'), (to) => to !== 'zod' && !to.startsWith('server/contracts/'))).toEqual(
      [],
    );
  });

  it('the streamer imports nothing of the server but contracts, and nothing of Strapi', () => {
    const isWrong = (to: string) =>
      to.startsWith('@strapi/') || (/^(server|admin)\//.test(to) && !to.startsWith('server/contracts'));
    expect(offenders(among('streamer/'), isWrong)).toEqual([]);
  });

  it('the admin takes only types, the plugin id and the protocols from contracts', () => {
    const values = among('admin/').filter(({ typeOnly }) => !typeOnly);
    const allowed = ['server/contracts/plugin-id.ts', 'server/contracts/protocols.ts'];
    expect(offenders(values, (to) => /^(server|streamer)\//.test(to) && !allowed.includes(to))).toEqual([]);
  });

  it('the server imports neither streamer nor admin', () => {
    expect(offenders(among('server/'), (to) => /^(streamer|admin)\//.test(to))).toEqual([]);
  });

  it('tokens and storage never see Strapi', () => {
    const pure = [...among('server/src/tokens/'), ...among('server/src/storage/')];
    expect(offenders(pure, (to) => to.startsWith('@strapi/') || to.startsWith('server/src/services'))).toEqual([]);
  });

  it('services do not import controllers or routes, controllers do not import routes', () => {
    const upward = (to: string) => /^server\/src\/(controllers|routes)\//.test(to);
    expect(offenders(among('server/src/services/'), upward)).toEqual([]);
    expect(offenders(among('server/src/controllers/'), (to) => to.startsWith('server/src/routes/'))).toEqual([]);
  });

  it('protocol folders never import each other', () => {
    const protocols = ['hls', 'dash', 'progressive', 'rtmp'];
    const wrong = protocols.flatMap((one) =>
      offenders(among(`streamer/src/${one}/`), (to) =>
        protocols.some((other) => other !== one && to.startsWith(`streamer/src/${other}/`)),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('no import cycle is left after types are erased', () => {
    const edges = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) if (!typeOnly) edges.set(from, [...(edges.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: string[]): void => {
      if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      if (done.has(file) || trail.includes(file)) return;
      for (const next of edges.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    };
    for (const file of edges.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

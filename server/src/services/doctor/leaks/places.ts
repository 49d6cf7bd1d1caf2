import type { Core } from '@strapi/strapi';
import { PROXY_MOUNT } from '../../../../contracts';
import { configOf } from '../../../config';
import type { RunningSite } from '../examination';
import type { Place } from './addresses';

/** How to reach, from this machine, what listens on `host`; as a URL writes it. */
function reachable(host: string): string {
  return { '0.0.0.0': '127.0.0.1', '::': '[::1]', '::1': '[::1]' }[host] ?? host;
}

/** Every address that Strapi and its streamers are known by. */
export function placesOf(strapi: Core.Strapi, { origin, status }: RunningSite): Place[] {
  const { mode, host, publicUrl } = configOf(strapi).streamer;
  const siteUrl: unknown = strapi.config.get('server.url');
  const sites = [origin];
  if (typeof siteUrl === 'string' && /^https?:/.test(siteUrl)) sites.push(siteUrl.replace(/\/+$/, ''));
  const streamers = publicUrl === undefined ? [] : [publicUrl.replace(/\/+$/, '')];
  if (status?.mode === 'managed' && status.ports !== null) {
    streamers.push(`http://${reachable(host)}:${status.ports.port}`);
  }
  const place = (kind: Place['kind'], mount: string) => (url: string) => {
    const { origin: at, pathname } = new URL(url);
    return { origin: at, prefix: pathname.replace(/\/+$/, '') + mount, kind };
  };
  const all = [...sites.map(place('site', '')), ...streamers.map(place('streamer', ''))];
  if (mode === 'managed') all.push(...sites.map(place('streamer', PROXY_MOUNT)));
  return all;
}

/** `rtmp://host:port` of every entrance that films are served at over RTMP. */
export function rtmpBasesOf(strapi: Core.Strapi, { status }: RunningSite): string[] {
  const { host, publicUrl } = configOf(strapi).streamer.rtmp;
  const bases = publicUrl === undefined ? [] : [publicUrl.replace(/\/+$/, '')];
  if (status?.mode !== 'managed') return bases;
  const { rtmpPort = null, rtmpsPort = null } = status.ports ?? {};
  if (rtmpPort !== null) bases.push(`rtmp://${reachable(host)}:${rtmpPort}`);
  if (rtmpsPort !== null) bases.push(`rtmps://${reachable(host)}:${rtmpsPort}`);
  return bases;
}

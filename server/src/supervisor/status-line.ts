import type { ProcessStatus } from './state';

const DAY_SECONDS = 24 * 3600;

/** `3:00:23`, `1 day, 0:00:15`: as `supervisorctl status` writes it. */
export function formatUptime(seconds: number): string {
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / DAY_SECONDS);
  const two = (part: number) => String(part).padStart(2, '0');
  const clock = `${Math.floor((whole % DAY_SECONDS) / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  if (days === 0) return clock;
  return `${days} day${days === 1 ? '' : 's'}, ${clock}`;
}

/** One line without its end: `streamer  RUNNING  pid 2176, uptime 3:00:23`. */
export function formatStatus(status: ProcessStatus): string {
  const parts = [status.name, status.state];
  if (status.pid !== null) parts.push(`pid ${status.pid}, uptime ${formatUptime(status.uptimeSeconds ?? 0)}`);
  else if (status.lastEnd !== null) parts.push(status.lastEnd);
  return parts.join('  ');
}

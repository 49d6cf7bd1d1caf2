/** Where each variable goes in the settings. */
export const RTMP_VARIABLES = {
  PROTECTED_VOD_RTMP_HOST: 'rtmp.host',
  PROTECTED_VOD_RTMP_PORT: 'rtmp.port',
  PROTECTED_VOD_RTMP_ALLOW_PLAINTEXT: 'rtmp.allowPlaintext',
  PROTECTED_VOD_RTMP_PROXY_PROTOCOL: 'rtmp.proxyProtocol',
  PROTECTED_VOD_RTMPS_PORT: 'rtmp.tls.port',
  PROTECTED_VOD_RTMPS_KEY_FILE: 'rtmp.tls.keyFile',
  PROTECTED_VOD_RTMPS_CERTIFICATE_FILE: 'rtmp.tls.certificateFile',
} as const;

function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Anything but the two words is left for the schema to refuse. */
function toFlag(text: string | undefined): boolean | string | undefined {
  return text === 'true' ? true : text === 'false' ? false : text;
}

/**
 * The unparsed `rtmp` settings of a streamer that was not started by the plugin; undefined where no port is named, which
 * means no RTMP at all. RTMPS alone means no plain RTMP.
 */
export function readRtmpEnvironment(env: NodeJS.ProcessEnv): Record<string, unknown> | undefined {
  const present = (name: keyof typeof RTMP_VARIABLES): string | undefined => env[name]?.trim() || undefined;
  const port = toNumber(present('PROTECTED_VOD_RTMP_PORT'));
  const tls = {
    port: toNumber(present('PROTECTED_VOD_RTMPS_PORT')),
    keyFile: present('PROTECTED_VOD_RTMPS_KEY_FILE'),
    certificateFile: present('PROTECTED_VOD_RTMPS_CERTIFICATE_FILE'),
  };
  const hasTls = Object.values(tls).some((value) => value !== undefined);
  if (port === undefined && !hasTls) return undefined;
  return {
    host: present('PROTECTED_VOD_RTMP_HOST'),
    port: port ?? null,
    allowPlaintext: toFlag(present('PROTECTED_VOD_RTMP_ALLOW_PLAINTEXT')),
    proxyProtocol: toFlag(present('PROTECTED_VOD_RTMP_PROXY_PROTOCOL')),
    tls: hasTls ? tls : undefined,
  };
}

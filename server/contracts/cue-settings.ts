const PERCENT = String.raw`(?:100(?:\.0+)?|\d{1,2}(?:\.\d+)?)%`;

/** WebVTT §4.4, with the values that it allows. Regions are not published, so no cue names one. */
const SETTINGS: readonly RegExp[] = [
  /^vertical:(?:rl|lr)$/,
  new RegExp(String.raw`^line:(?:-?\d{1,4}|${PERCENT})(?:,(?:start|center|end))?$`),
  new RegExp(`^position:${PERCENT}(?:,(?:line-left|center|line-right))?$`),
  new RegExp(`^size:${PERCENT}$`),
  /^align:(?:start|center|end|left|right)$/,
];

/** What of a cue's settings is published: each once, in the order of the text; the rest is left out. */
export function cleanSettings(text: string): string {
  const known = new Map<string, string>();
  for (const setting of text.split(/[ \t]+/)) {
    if (SETTINGS.some((pattern) => pattern.test(setting))) known.set(setting.replace(/:.*/, ''), setting);
  }
  return [...known.values()].join(' ');
}

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FFMPEG } from './tools';

/**
 * What a card can do wrong. `spoils`: its pictures look bad; `loses`: a picture is missing; `keyless`: no key where one is
 * wanted.
 */
export type CardFault = 'fails' | 'spoils' | 'loses' | 'keyless';

/** The real ffmpeg behind a script that has an NVIDIA card: x264, which is told in the words of `h264_nvenc`. */
export interface CardFfmpeg {
  path: string;
  /** What the card was asked for so far, each with all arguments. */
  calls(): string[];
  /** From that call on, counted from 1, it does something wrong; null: all is well again. */
  fail(fault: CardFault | null, from?: number): void;
  /** x264 fails from now on. */
  failSoftware(): void;
  remove(): void;
}

const SCRIPT = `#!/bin/sh
case " $* " in
  *' h264_nvenc '*) ;;
  *' libx264 '*) if [ -e "$0.x264" ]; then echo 'this film is broken' >&2; exit 1; fi; exec REAL "$@";;
  *) exec REAL "$@";;
esac
echo "$*" >>"$0.calls"
read -r fault from <"$0.fault"
count=0
while read -r _; do count=$((count + 1)); done <"$0.calls"
[ "$count" -ge "$from" ] || fault=none
if [ "$fault" = fails ]; then echo 'OpenEncodeSessionEx failed: out of memory' >&2; exit 1; fi
skip=
for one do
  shift
  if [ -n "$skip" ]; then skip=; continue; fi
  case "$fault $one" in
    'loses h264_nvenc') set -- "$@" libx264 -sc_threshold 0 -bsf:v 'noise=amount=0:drop=eq(n\\,3)';;
    *' h264_nvenc') set -- "$@" libx264 -sc_threshold 0;;
    *' p5') set -- "$@" ultrafast;;
    *' -rc' | *' -b:v') skip=1;;
    'spoils -cq') set -- "$@" -crf 51; skip=1;;
    *' -cq') set -- "$@" -crf;;
    'keyless -force_key_frames') skip=1;;
    *) set -- "$@" "$one";;
  esac
done
exec REAL "$@"
`;

export function cardFfmpeg(): CardFfmpeg {
  const directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-card-'));
  const file = path.join(directory, 'ffmpeg');
  const [calls, fault] = [`${file}.calls`, `${file}.fault`];
  const fail: CardFfmpeg['fail'] = (how, from = 1) => writeFileSync(fault, `${how ?? 'none'} ${from}\n`);
  writeFileSync(file, SCRIPT.replaceAll('REAL', `'${FFMPEG ?? '/usr/bin/ffmpeg'}'`));
  chmodSync(file, 0o755);
  fail(null);
  return {
    path: file,
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []),
    fail,
    failSoftware: () => writeFileSync(`${file}.x264`, ''),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

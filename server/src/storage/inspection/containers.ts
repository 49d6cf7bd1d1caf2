/** A container that the packager cannot read and a transcoder can. */
export interface ForeignContainer {
  /** For editors. */
  name: string;
  /** As the Media Library keeps it: audio or video, so that it can be picked as a source. */
  mime: string;
}

const video = (name: string, mime: string): ForeignContainer => ({ name, mime });
const audio = (name: string, mime: string): ForeignContainer => ({ name, mime });

/** By what `file-type` calls them; only what it tells by more than two bytes. */
const FOREIGN: Record<string, ForeignContainer> = {
  'video/vnd.avi': video('AVI', 'video/vnd.avi'),
  'video/x-flv': video('FLV', 'video/x-flv'),
  'application/vnd.ms-asf': video('Windows Media', 'video/x-ms-asf'),
  'video/x-ms-asf': video('Windows Media', 'video/x-ms-asf'),
  'audio/x-ms-asf': audio('Windows Media', 'audio/x-ms-asf'),
  'video/mpeg': video('MPEG', 'video/mpeg'),
  'video/MP1S': video('MPEG', 'video/mpeg'),
  'video/MP2P': video('MPEG', 'video/mpeg'),
  'application/mxf': video('MXF', 'video/mxf'),
  // Its picture is Theora; the sound alone could be read.
  'video/ogg': video('Ogg Theora', 'video/ogg'),
  'audio/aiff': audio('AIFF', 'audio/aiff'),
  'audio/amr': audio('AMR', 'audio/amr'),
  'audio/ape': audio("Monkey's Audio", 'audio/ape'),
  'audio/wavpack': audio('WavPack', 'audio/wavpack'),
  'audio/x-musepack': audio('Musepack', 'audio/x-musepack'),
  'audio/x-dsf': audio('DSD', 'audio/x-dsf'),
};

/** What `file-type` calls the containers that the packager reads. */
const READABLE = new Set([
  ...['video/mp4', 'video/x-m4v', 'audio/mp4', 'audio/x-m4a', 'video/quicktime', 'video/3gpp', 'video/3gpp2'],
  ...['video/matroska', 'video/x-matroska', 'audio/x-matroska', 'video/webm', 'audio/webm', 'video/mp2t'],
  ...['audio/wav', 'audio/ogg', 'application/ogg', 'audio/flac', 'audio/aac'],
]);

/** Null: the packager may be able to read it. */
export function foreignContainer(mime: string | undefined): ForeignContainer | null {
  return mime === undefined ? null : (FOREIGN[mime] ?? null);
}

/** QuickTime as it was before files began with a box that says so: the packager does not know it. */
export function oldQuickTime(mime: string | undefined): ForeignContainer | null {
  return mime === 'video/quicktime' ? video('old QuickTime', mime) : null;
}

export function isReadableContainer(mime: string): boolean {
  return READABLE.has(mime.split(';', 1)[0] ?? '');
}

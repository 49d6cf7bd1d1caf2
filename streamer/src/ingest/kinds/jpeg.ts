/** Output options for one JPEG: no note of who made it, and no pattern in its name. */
export const JPEG_OUTPUT: readonly string[] = [
  ...['-frames:v', '1', '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '4'],
  ...['-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-f', 'mjpeg'],
];

/** Square pixels, then no larger than the box. */
export function fitInto(box: number): string[] {
  return [
    'scale=w=trunc(iw*sar/2)*2:h=ih,setsar=1',
    `scale=w='min(${box},iw)':h='min(${box},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2`,
  ];
}

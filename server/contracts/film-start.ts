/**
 * How far a film's first picture may lie from its beginning for that to be the rounding of time scales and no cut: less than half
 * a picture at 120 per second. What inspection lets pass, the packager has to play.
 */
export const PICTURE_BEGINS_WITHIN_SECONDS = 0.004;

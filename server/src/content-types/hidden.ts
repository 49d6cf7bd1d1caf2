/** Content types that the plugin keeps for itself: editors neither see nor shape them. */
export const HIDDEN = {
  'content-manager': { visible: false },
  'content-type-builder': { visible: false },
} as const;

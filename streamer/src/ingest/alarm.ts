/** A pause that can be cut short. */
export interface Alarm {
  /** Resolves after so many seconds, or as soon as it rings; at once if it has rung since the last pause. */
  pause(seconds: number): Promise<void>;
  ring(): void;
}

export function createAlarm(): Alarm {
  let end: (() => void) | null = null;
  let hasRung = false;
  return {
    pause(seconds) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => end?.(), seconds * 1000);
        end = () => {
          clearTimeout(timer);
          end = null;
          hasRung = false;
          resolve();
        };
        if (hasRung) end();
      });
    },
    ring() {
      hasRung = true;
      end?.();
    },
  };
}

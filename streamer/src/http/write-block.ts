import type { Exchange } from './exchange';

export type Flush = 'at-once' | 'after-a-wait' | 'gone';

/** Settles when the block has been flushed: at once if the kernel took it before the event loop turned. */
export function writeBlock({ response }: Exchange, block: Buffer): Promise<Flush> {
  return new Promise((resolve) => {
    let turned = false;
    const onClose = (): void => resolve('gone');
    response.once('close', onClose);
    setImmediate(() => {
      turned = true;
    });
    response.write(block, (error) => {
      response.off('close', onClose);
      if (error) resolve('gone');
      else resolve(turned ? 'after-a-wait' : 'at-once');
    });
  });
}

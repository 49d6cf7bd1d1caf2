import { describe, expect, it } from 'vitest';
import { batched } from '../../../../server/src/services/batch';

function recording(fails = false) {
  const asked: string[][] = [];
  const read = batched(async (keys: string[]) => {
    asked.push([...keys]);
    if (fails) throw new Error('no database');
    return new Map(keys.filter((key) => key !== 'nobody').map((key) => [key, key.toUpperCase()]));
  });
  return { asked, read };
}

describe('reads by key', () => {
  it('what is asked for at one time is read at one time, each key once', async () => {
    const { asked, read } = recording();
    expect(await Promise.all(['a', 'b', 'a', 'nobody'].map(read))).toEqual(['A', 'B', 'A', null]);
    expect(asked).toEqual([['a', 'b', 'nobody']]);
  });

  it('also what is asked for after other answers that came together', async () => {
    const { asked, read } = recording();
    const second = recording();
    const answers = ['a', 'b', 'c'].map(async (key) => second.read((await read(key)) ?? ''));
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C']);
    expect([asked, second.asked]).toEqual([[['a', 'b', 'c']], [['A', 'B', 'C']]]);
  });

  it('what was read is not read again', async () => {
    const { asked, read } = recording();
    expect([await read('a'), await read('nobody'), await read('a'), await read('nobody')]).toEqual([
      'A',
      null,
      'A',
      null,
    ]);
    expect(asked).toEqual([['a'], ['nobody']]);
  });

  it('a read that fails fails for all who asked', async () => {
    const { read } = recording(true);
    const answers = await Promise.allSettled(['a', 'b'].map(read));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});

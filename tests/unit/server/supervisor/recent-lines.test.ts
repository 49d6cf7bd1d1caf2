import { expect, it } from 'vitest';
import { createRecentLines } from '../../../../server/src/supervisor';

it('the last thousand lines are kept, numbered through', () => {
  const lines = createRecentLines();
  for (let count = 1; count <= 1500; count += 1) lines.add(`line ${count}`);
  expect(lines.last(2)).toEqual([
    { number: 1499, line: 'line 1499' },
    { number: 1500, line: 'line 1500' },
  ]);
  expect(lines.last(0)).toEqual([]);
  expect(lines.last(9999)).toHaveLength(1000);
  expect(lines.after(1498).map(({ line }) => line)).toEqual(['line 1499', 'line 1500']);
  expect(lines.after(1500)).toEqual([]);
});

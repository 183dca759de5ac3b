import { expect, test } from 'vitest';
import { rulesOf, type RulesAnswer } from './rules.ts';

const rule = {
  query: 'sum(a)',
  labels: {},
  evaluationTime: 0.002,
  lastEvaluation: '2026-01-02T03:04:05.000Z',
};

test('rules come group by group, those that fail first', () => {
  const answer: RulesAnswer = {
    data: {
      groups: [
        {
          name: 'g',
          file: 'web',
          interval: 30,
          missed: 2,
          rules: [
            { ...rule, name: 'a', health: 'ok' },
            { ...rule, name: 'b', health: 'unknown', lastEvaluation: '0001-01-01T00:00:00Z' },
            { ...rule, name: 'c', health: 'err', lastError: 'too many' },
          ],
        },
      ],
    },
  };
  const found = rulesOf(answer);
  expect(found.map((each) => each.record)).toEqual(['c', 'a', 'b']);
  expect(found.map((each) => each.at)).toEqual([1767323045000, 1767323045000, 0]);
  expect(found[0]).toMatchObject({ resource: 'web', group: 'g', interval: 30, missed: 2 });
  expect(found.map((each) => each.error)).toEqual(['too many', '', '']);
  expect(new Set(found.map((each) => each.key)).size).toBe(3);
});

import { expect, test } from 'vitest'
import { askedBy } from '../promql.ts'

test.each([
  { expression: 'ebs_broker_up == 0', asked: [{ metric: 'ebs_broker_up', labels: [] }] },
  {
    expression: 'sum by (kind, place) (rate(a_total{kind=~"x|sum(y)", place!="}"}[5m])) > 1000',
    asked: [{ metric: 'a_total', labels: ['kind', 'place', 'kind', 'place'] }],
  },
  {
    expression: 'absent(up{job="ebs"}) or max by (queue) (b) unless on (queue) c',
    asked: [
      { metric: 'up', labels: ['job', 'queue', 'queue'] },
      { metric: 'b', labels: ['queue', 'queue'] },
      { metric: 'c', labels: ['queue', 'queue'] },
    ],
  },
  {
    expression: 'delta(max by (queue) (a)[10m:30s]) > 0 or (b unless b offset 1h) > 0',
    asked: [
      { metric: 'a', labels: ['queue'] },
      { metric: 'b', labels: ['queue'] },
      { metric: 'b', labels: ['queue'] },
    ],
  },
])('$expression', ({ expression, asked }) => {
  expect(askedBy(expression)).toEqual(asked)
})

test.each([
  { expression: 'sum(a', fault: '"(" is never closed' },
  { expression: 'sum(a]', fault: '"]" closes what is not open' },
  { expression: 'a{kind}', fault: '"kind" chooses by no label' },
])('$expression is none', ({ expression, fault }) => {
  expect(() => askedBy(expression)).toThrow(fault)
})

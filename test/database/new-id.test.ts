import { expect, jest, test } from '@jest/globals'
import { validate, version } from 'uuid'
import { newId } from '../../src/database/new-id.ts'

const many = () => Array.from({ length: 2000 }, newId)
const msOf = (id: string) => Number.parseInt(id.replace('-', '').slice(0, 12), 16)

test('IDs are different UUIDs of version 7, each greater than the one before', () => {
  const ids = many()
  expect(ids.every(id => validate(id) && version(id) === 7)).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
  expect([...ids].sort()).toEqual(ids)
})

test('an ID has the time at which it was created', () => {
  const ms = Date.UTC(2100, 0, 1)
  const clock = jest.spyOn(Date, 'now').mockReturnValue(ms)
  try {
    expect(msOf(newId())).toBe(ms)
  } finally {
    clock.mockRestore()
  }
})

test('IDs still grow while the clock of the machine stands or goes back', () => {
  const clock = jest.spyOn(Date, 'now')
  try {
    const start = Date.UTC(2101, 0, 1)
    clock.mockReturnValue(start)
    const first = many()
    clock.mockReturnValue(start - 500)
    const ids = [...first, ...many()]
    expect([...ids].sort()).toEqual(ids)
  } finally {
    clock.mockRestore()
  }
})

test('most of an ID is random', () => {
  const tails = many().map(id => id.slice(24))
  expect(new Set(tails).size).toBe(tails.length)
})

import { expect } from '@jest/globals'
import { codes, type Reply } from './service.ts'

/** The input paths that a reply calls invalid, with its messages. Fails where it says anything else. */
export function refusedFields(reply: Pick<Reply<unknown>, 'errors'>): Record<string, string[]> {
  expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
  return reply.errors[0]?.extensions.fields ?? {}
}

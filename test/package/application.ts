import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from '@jest/globals'
import { run } from './support.ts'

/** The oldest graphql in our range, to which an application may have pinned itself. */
export const GRAPHQL = '16.12.0'

/** A resolver by the application's own copy of type-graphql, in a server that answers it. */
const PROGRAM = `
  import { startServer } from 'authograph'
  import { Query, Resolver } from 'type-graphql'
  class Notes { notes() { return ['a note'] } }
  Query(() => [String])(Notes.prototype, 'notes', Object.getOwnPropertyDescriptor(Notes.prototype, 'notes'))
  Resolver()(Notes)
  const server = await startServer({ resolvers: [Notes] })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(server.url + '/graphql', { method: 'POST', headers, body: '{"query":"{ notes }"}' })
  console.log(await answer.text())
  await server.close()`

/** Creates the folder of an application with these dependencies. */
export async function createApplication(
  place: string,
  name: string,
  dependencies: Record<string, string>,
  more: object = {},
): Promise<string> {
  const folder = path.join(place, name)
  await mkdir(folder)
  await writeFile(path.join(folder, 'program.mjs'), PROGRAM)
  await writeFile(
    path.join(folder, 'package.json'),
    JSON.stringify({ name, private: true, dependencies, ...more }),
  )
  return folder
}

/** Its server answers a query of its own resolver. */
export async function expectToRun(folder: string): Promise<void> {
  expect(await run(folder, 'node', 'program.mjs')).toBe('{"data":{"notes":["a note"]}}\n')
}

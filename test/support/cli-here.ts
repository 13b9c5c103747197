import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import type { CliRun } from './cli.ts'

let runs = 0

/**
 * Runs the command line in this process, with the same arguments, environment, standard input and folder as `runCli`
 * and the same result, but without the second that a process takes to start. For what a command does; what its process
 * does (signals, pipes, two at a time, its exit, and so usage errors and help) is for `runCli`. Runs must not overlap.
 */
export async function runCliHere(
  args: string[],
  { settings = {}, input = '' }: { settings?: Record<string, string>; input?: string } = {},
): Promise<CliRun> {
  const written = { stdout: '', stderr: '' }
  const restore = [
    replaceEnvironment({ PATH: process.env.PATH, ...settings }),
    replace(process, 'argv', [process.execPath, 'authograph', ...args]),
    replace(process, 'stdin', Readable.from(input ? [Buffer.from(input)] : [])),
    captureWrites(process.stdout, text => {
      written.stdout += text
    }),
    captureWrites(process.stderr, text => {
      written.stderr += text
    }),
    captureDescriptors((name, text) => {
      written[name] += text
    }),
    enter(tmpdir()),
    replace(process, 'exit', () => {
      throw new Error('The command ends its process: use runCli.')
    }),
  ]
  const { exitCode } = process
  process.exitCode = undefined
  try {
    // Each import with a new query runs the program: test/support/jest/runtime.cjs.
    await import(`../../src/cli/main.ts?run=${++runs}`)
    return { exitCode: Number(process.exitCode ?? 0), ...written }
  } finally {
    process.exitCode = exitCode
    for (const undo of restore.reverse()) undo()
  }
}

function replace<Name extends keyof NodeJS.Process>(
  target: NodeJS.Process,
  name: Name,
  value: unknown,
): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: true })
  return () => {
    if (before) Object.defineProperty(target, name, before)
    else Reflect.deleteProperty(target, name)
  }
}

function replaceEnvironment(environment: Record<string, string | undefined>): () => void {
  const before = { ...process.env }
  const become = (next: Record<string, string | undefined>) => {
    for (const name of Object.keys(process.env)) delete process.env[name]
    for (const [name, value] of Object.entries(next)) if (value !== undefined) process.env[name] = value
  }
  become(environment)
  return () => become(before)
}

function captureWrites(stream: NodeJS.WriteStream, hear: (text: string) => void): () => void {
  const { write } = stream
  const listeners = stream.listeners('error')
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    hear(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    const done = rest.find(each => typeof each === 'function') as (() => void) | undefined
    if (done) process.nextTick(done)
    return true
  }
  return () => {
    stream.write = write
    // The program adds one.
    for (const listener of stream.listeners('error')) {
      if (!listeners.includes(listener)) stream.off('error', listener as () => void)
    }
  }
}

/** A log goes to a descriptor, not to the stream. */
function captureDescriptors(hear: (name: 'stdout' | 'stderr', text: string) => void): () => void {
  const { writeSync } = fs
  fs.writeSync = ((descriptor: number, data: string | NodeJS.ArrayBufferView, ...rest: never[]) => {
    const name = descriptor === 1 ? 'stdout' : descriptor === 2 ? 'stderr' : undefined
    if (!name) return writeSync(descriptor, data as string, ...rest)
    const text = typeof data === 'string' ? data : Buffer.from(data.buffer).toString()
    hear(name, text)
    return Buffer.byteLength(text)
  }) as typeof writeSync
  return () => {
    fs.writeSync = writeSync
  }
}

function enter(folder: string): () => void {
  const before = process.cwd()
  process.chdir(folder)
  return () => process.chdir(before)
}

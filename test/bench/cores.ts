import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Lists of cores as taskset takes them: what serves has one for itself, what asks and stores has the others. */
export type Cores = { serving: string; asking: string; all: string }

/** Undefined where there is only one core, or no taskset to choose with. */
export async function findCores(): Promise<Cores | undefined> {
  const all = await allowed().catch(() => [])
  const [first, ...others] = all
  if (first === undefined || others.length === 0) return undefined
  return { serving: String(first), asking: others.join(), all: all.join() }
}

/** `pid 1's current affinity list: 0-3,6` */
async function allowed(): Promise<number[]> {
  const { stdout } = await run('taskset', ['-c', '-p', String(process.pid)])
  const ranges = stdout.slice(stdout.lastIndexOf(':') + 1).split(',')
  return ranges.flatMap(range => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

/** Moves all threads of a process, and what they start from now on, to these cores. */
export async function pin(pid: number, cores: string | undefined): Promise<void> {
  if (cores !== undefined) await run('taskset', ['-a', '-c', '-p', cores, String(pid)])
}

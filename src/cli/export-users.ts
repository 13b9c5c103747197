import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { exportUsers } from '../admin/import/export-users.ts'
import { AuthError } from '../errors.ts'
import { startProgress } from './progress.ts'
import { withApp } from './with-app.ts'

type Options = { out?: string; withPasswordHashes?: boolean; withSecondFactors?: boolean }

export async function runExport({
  out,
  withPasswordHashes = false,
  withSecondFactors = false,
}: Options): Promise<void> {
  if (out === undefined) refuseBanner()
  const file = out === undefined ? undefined : await openOutput(out)
  const stream = file ?? process.stdout
  const count = await withApp(async app => {
    const progress = startProgress(await app.db.user.count())
    let done = 0
    try {
      for await (const users of exportUsers(app, { withPasswordHashes, withSecondFactors })) {
        const lines = users.map(user => `${JSON.stringify(user)}\n`).join('')
        if (!stream.write(lines)) await once(stream, 'drain')
        done += users.length
        progress.update(done, done)
      }
    } finally {
      progress.stop()
    }
    return done
  })
  if (!file) return
  file.end()
  await finished(file)
  process.stderr.write(`${count.toLocaleString('en')} accounts written to ${out}.\n`)
}

/** `npm run` has already written its banner to standard output, where a program expects only accounts. */
function refuseBanner(): void {
  const { npm_lifecycle_event: script, npm_config_loglevel: loglevel } = process.env
  if (script !== 'cli' || loglevel === 'silent' || process.stdout.isTTY) return
  throw new AuthError('BAD_USER_INPUT', {
    message:
      '`npm run` writes a banner to standard output before the accounts. Use `npx authograph export-users`, or --out FILE.',
  })
}

/** Only the user can read the file. An existing file is never overwritten, because it may be the only copy. */
async function openOutput(out: string): Promise<WriteStream> {
  const file = createWriteStream(out, { flags: 'wx', mode: 0o600 })
  await once(file, 'open')
  return file
}

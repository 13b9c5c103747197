import { rotateKeys } from '../admin/rotate-keys.ts'
import { NOWHERE } from '../audit/record.ts'
import { withApp } from './with-app.ts'

export async function rotateKeysNow(): Promise<void> {
  await withApp(async app => {
    const { kid, activatesAt } = await rotateKeys(app, NOWHERE)
    process.stdout.write(`The key ${kid} is published and signs from ${activatesAt.toISOString()} on.\n`)
  })
}

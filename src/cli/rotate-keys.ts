import { rotateKeys } from '../admin/rotate-keys.ts'
import { NOWHERE } from '../audit/record.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

export async function rotateKeysNow({ json }: { json?: boolean }): Promise<void> {
  await withApp(async app => {
    const { kid, activatesAt } = await rotateKeys(app, NOWHERE)
    const text = `The key ${kid} is published and signs from ${activatesAt.toISOString()} on.`
    print(text, { kid, activatesAt }, json)
  })
}

import { prune } from '../maintenance/prune.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

export async function runPrune({ json }: { json?: boolean }): Promise<void> {
  const pruned = await withApp(app => prune(app))
  const counts = Object.entries(pruned.deleted).map(
    ([name, count]) => `${count.toLocaleString('en').padStart(12)}  ${name}`,
  )
  const text = [
    'Deleted:',
    ...counts,
    ...(pruned.busy ? ['Another process is pruning and will delete the rest.'] : []),
  ].join('\n')
  print(text, pruned, json)
}

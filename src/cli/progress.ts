import { SingleBar } from 'cli-progress'

export type Progress = { update(done: number, records: number): void; stop(): void }

/** Shows a progress bar on standard error if that is a terminal. Stopping removes it. */
export function startProgress(total: number): Progress {
  if (!process.stderr.isTTY || total === 0) return { update: () => {}, stop: () => {} }
  const bar = new SingleBar({
    format: '{bar} {percentage} %  {records} accounts  {eta_formatted} left',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(total, 0, { records: 0 })
  return {
    update: (done, records) => bar.update(done, { records: records.toLocaleString('en') }),
    stop: () => bar.stop(),
  }
}

import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { type Form, useForm, type Values } from '../forms.ts'
import { useText } from '../language.tsx'
import { DialogFrame } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { type CodeWords, fieldProblems, problemText } from '../problems.ts'
import { useTimes } from '../times.ts'
import { type Failure, type Outcome, runBulk } from './bulk-run.ts'

export type BulkDialogProps<Item> = {
  title: string
  /** The label of the button that starts. */
  action: string
  danger?: boolean | undefined
  /** What the form asks for; called with its errors. */
  children: (error: Form['error']) => ReactNode
  inputs: string[]
  check?: (values: Values) => Record<string, string | undefined>
  /** What to work on, once the form is right. */
  items: (values: Values) => Item[]
  run: (item: Item, values: Values) => Promise<unknown>
  nameOf: (item: Item) => string
  words?: CodeWords
  /** When it is closed after it started, whether or not everything worked. */
  onEnd: (outcome: Outcome<Item>) => void
  onClose: () => void
}

type Phase<Item> = { total: number; done: number; failed: Failure<Item>[]; outcome?: Outcome<Item> }

/**
 * Asks once, then runs an operation for each item, with a progress bar and a way to stop, and lists what failed. Closes
 * by itself if nothing did.
 */
export function BulkDialog<Item>(props: BulkDialogProps<Item>) {
  const { title, action, danger, children, inputs, check, onClose, onEnd } = props
  const { common } = useText()
  const [phase, setPhase] = useState<Phase<Item>>()
  const stop = useRef(new AbortController())
  useEffect(() => () => stop.current.abort(), [])
  const form = useForm(
    async values => {
      const items = props.items(values)
      const start = { total: items.length, done: 0, failed: [] }
      setPhase(start)
      const report = (progress: Pick<Phase<Item>, 'done' | 'failed'>) => setPhase({ ...start, ...progress })
      const outcome = await runBulk(items, item => props.run(item, values), report, stop.current.signal)
      if (outcome.failed.length + outcome.left.length === 0) onEnd(outcome)
      else setPhase({ ...start, ...outcome, outcome })
    },
    { inputs, ...(check && { check }) },
  )
  const outcome = phase?.outcome
  const close = () => {
    if (outcome) onEnd(outcome)
    else if (phase) stop.current.abort()
    else onClose()
  }
  return (
    <DialogFrame title={title} onClose={close}>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack gap={16}>
          {phase ? <Running {...props} phase={phase} /> : children(form.error)}
          <Notice kind="problem">{form.problem}</Notice>
          <Group justify="flex-end" gap="sm">
            {phase ? (
              // Another key, so that the focus goes to the button that replaces the one before.
              <Button key={outcome ? 'close' : 'stop'} variant="default" onClick={close} autoFocus>
                {outcome ? common.close : common.stop}
              </Button>
            ) : (
              <>
                <Button variant="default" onClick={onClose}>
                  {common.cancel}
                </Button>
                <Button type="submit" color={danger ? 'red' : 'brand'}>
                  {action}
                </Button>
              </>
            )}
          </Group>
        </Stack>
      </form>
    </DialogFrame>
  )
}

function Running<Item>({ phase, nameOf, words }: BulkDialogProps<Item> & { phase: Phase<Item> }) {
  const text = useText()
  const times = useTimes()
  const says = text.bulk
  const { total, done, failed, outcome } = phase
  const tried = done + failed.length
  const reasonOf = (error: unknown) =>
    words && isOwn(error, words)
      ? problemText(text, times.span, error, words)
      : Object.values(fieldProblems(text, error)).join(' ') || problemText(text, times.span, error, words)
  return (
    <>
      <Progress.Root size="lg" radius="md">
        <Progress.Section value={total === 0 ? 100 : (100 * tried) / total} aria-label={says.progress} />
      </Progress.Root>
      <Text fz={14} role="status">
        {outcome ? says.result(done, total) : says.tried(tried, total)}
      </Text>
      {outcome && outcome.left.length > 0 && <Text fz={14}>{says.left(outcome.left.length)}</Text>}
      {failed.length > 0 && (
        <section className="failures" aria-label={says.failed(failed.length)}>
          <Text fz={14} fw={550}>
            {says.failed(failed.length)}
          </Text>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable with a keyboard. */}
          <ul tabIndex={0} aria-label={says.failed(failed.length)}>
            {failed.map(({ item, error }) => (
              <li key={nameOf(item)}>
                <span className="failure-name">{nameOf(item)}</span>
                {reasonOf(error)}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

function isOwn(error: unknown, words: CodeWords): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code) in words
}

import { Group, Modal as Mantine } from '@mantine/core'
import { useText } from '../language.tsx'
import type { DialogFrameProps } from './dialog.tsx'

/** The dialog of the component library. Has a header of its own, because screen readers take the library's for the page's. */
export function Modal({ title, onClose, children }: DialogFrameProps) {
  const { common } = useText()
  return (
    <Mantine.Root opened onClose={onClose} centered>
      <Mantine.Overlay />
      <Mantine.Content radius="lg">
        <Mantine.Body p="lg">
          <Group justify="space-between" wrap="nowrap" align="flex-start" mb="md">
            <Mantine.Title fw={650} fz={17} lh={1.4} style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Mantine.Title>
            <Mantine.CloseButton aria-label={common.close} />
          </Group>
          {children}
        </Mantine.Body>
      </Mantine.Content>
    </Mantine.Root>
  )
}

import { UnstyledButton, type UnstyledButtonProps } from '@mantine/core'
import type { ComponentPropsWithRef } from 'react'
import { DownIcon } from '../icons.tsx'
import { useText } from '../language.tsx'

type MenuButtonProps = UnstyledButtonProps & ComponentPropsWithRef<'button'> & { name: string }

/** The button of the account's menu, with the initial of the person. */
export function MenuButton({ name, ...props }: MenuButtonProps) {
  const { common } = useText()
  return (
    <UnstyledButton
      {...props}
      aria-label={`${common.menu}: ${name}`}
      style={{ display: 'flex', alignItems: 'center', gap: 6, borderRadius: 20, padding: 2 }}
    >
      <span className="avatar" data-initial={[...name][0]} aria-hidden="true" />
      <DownIcon size={14} />
    </UnstyledButton>
  )
}

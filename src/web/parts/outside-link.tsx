import { Anchor, type AnchorProps } from '@mantine/core'

/** A link to a page of the operator. It opens in a tab of its own, so that nothing typed in this one is lost. */
export function OutsideLink(props: AnchorProps & { href: string; children: string }) {
  return <Anchor target="_blank" rel="noopener noreferrer" underline="always" {...props} />
}

import { Button } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { useText } from '../language.tsx'
import { CardPage } from './card-page.tsx'

/** In place of a page that failed, such as one whose script did not load. */
export class Crash extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    return this.state.failed ? <Sorry /> : this.props.children
  }
}

function Sorry() {
  const { failures } = useText()
  return (
    <CardPage title={failures.crash}>
      <Button onClick={() => location.reload()}>{failures.reload}</Button>
    </CardPage>
  )
}

import { Button } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { useLocation } from 'wouter'
import { useText } from '../language.tsx'
import { CardPage } from './card-page.tsx'

/** Replaces a page that failed, such as one whose script did not load, until the visitor opens another page. */
export function Crash({ children }: { children: ReactNode }) {
  const [path] = useLocation()
  return <CrashBoundary path={path}>{children}</CrashBoundary>
}

type CrashBoundaryProps = { path: string; children: ReactNode }

class CrashBoundary extends Component<CrashBoundaryProps, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override componentDidUpdate({ path }: CrashBoundaryProps) {
    if (this.state.failed && path !== this.props.path) this.setState({ failed: false })
  }

  override render() {
    return this.state.failed ? <CrashPage /> : this.props.children
  }
}

function CrashPage() {
  const { failures } = useText()
  return (
    <CardPage title={failures.crash}>
      <Button onClick={() => location.reload()}>{failures.reload}</Button>
    </CardPage>
  )
}

import { Button, Text } from '@mantine/core'
import type { Factors } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { DeviceIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { RowAction } from '../parts/row-action.tsx'
import { deviceOf } from '../parts/session-rows.tsx'
import { Tag } from '../parts/tag.tsx'
import { useTimes } from '../times.ts'

type TrustedDevicesProps = { devices: Factors['trustedDevices']; reload: () => Promise<void> }

/** Devices that skip the second factor. */
export function TrustedDevices({ devices, reload }: TrustedDevicesProps) {
  const text = useText()
  const { trusted: says, sessions } = text
  const { client } = useAuth()
  const times = useTimes()
  const one = useForm(
    async values => {
      await client.factors.revokeTrustedDevice(values('id'))
      await reload()
    },
    { inputs: [] },
  )
  const all = useForm(
    async () => {
      await client.factors.revokeTrustedDevices()
      await reload()
    },
    { inputs: [] },
  )
  return (
    <Panel
      title={says.title}
      lead={says.lead}
      list={
        <ul className="rows">
          {devices.map(device => (
            <li key={device.id}>
              <span className="row-icon">
                <DeviceIcon />
              </span>
              <div className="grow">
                <Text fw={550} fz={15} component="div" style={{ overflowWrap: 'anywhere' }}>
                  {deviceOf(text, { deviceName: device.name })}{' '}
                  {device.current && <Tag color="good">{sessions.current}</Tag>}
                </Text>
                <Text fz={13} c="dimmed" lh={1.5}>
                  {says.until(times.day(device.trustedUntil))} ·{' '}
                  {sessions.used(times.moment(device.lastUsedAt))}
                  {device.ipAddress && ` · ${device.ipAddress}`}
                </Text>
              </div>
              <RowAction
                form={one}
                values={{ id: device.id }}
                label={says.endOf(deviceOf(text, { deviceName: device.name }))}
                className="row-actions"
              >
                {says.end}
              </RowAction>
            </li>
          ))}
        </ul>
      }
    >
      <Notice kind="problem">{one.problem ?? all.problem}</Notice>
      <form onSubmit={all.onSubmit}>
        <Button type="submit" variant="default" loading={all.busy}>
          {says.endAll}
        </Button>
      </form>
    </Panel>
  )
}

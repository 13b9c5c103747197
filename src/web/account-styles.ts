// The styles of the component library for the pages after signing in, in addition to styles.ts.
import '@mantine/core/styles/Overlay.css'
import '@mantine/core/styles/ModalBase.css'
import '@mantine/core/styles/Modal.css'
import '@mantine/core/styles/Popover.css'
import '@mantine/core/styles/Menu.css'
import '@mantine/core/styles/Skeleton.css'
import '@mantine/core/styles/Progress.css'
import '@mantine/core/styles/Radio.css'

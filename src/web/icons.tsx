import type { ReactNode } from 'react'

/** Hidden from screen readers, because an icon always has text beside it. */
function icon(paths: ReactNode) {
  return ({ size = 18 }: { size?: number }) => (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {paths}
    </svg>
  )
}

export const AlertIcon = icon(<path d="M12 8v5m0 3h.01M12 3 2.8 19.5h18.4L12 3Z" />)
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />)
export const MailIcon = icon(<path d="M3.5 6h17v12h-17V6Zm0 .8L12 13l8.5-6.2" />)
export const UserIcon = icon(
  <path d="M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 8.5c0-3.6 3.6-5.5 8-5.5s8 1.9 8 5.5" />,
)
export const KeyIcon = icon(
  <path d="M14.5 13.5a5 5 0 1 0-4-4L3.5 16.5v4h4v-3h3v-3l1.5-1h2.5ZM16.5 7.5h.01" />,
)
export const DeviceIcon = icon(<path d="M3.5 5h17v11h-17V5ZM8.5 20h7M12 16v4" />)
export const CodeIcon = icon(<path d="m8.5 7-5 5 5 5m7-10 5 5-5 5M13.5 5l-3 14" />)
export const DataIcon = icon(<path d="M12 4v10m0 0 4-4m-4 4-4-4M4.5 16.5V20h15v-3.5" />)
export const BackIcon = icon(<path d="M19 12H5m0 0 6-6m-6 6 6 6" />)
export const SearchIcon = icon(<path d="M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.5 4.5" />)
export const PlusIcon = icon(<path d="M12 5v14M5 12h14" />)
export const DownIcon = icon(<path d="m6 9.5 6 6 6-6" />)
export const LinkIcon = icon(
  <path d="m9 15 6-6M10.5 6.5l1-1a5 5 0 0 1 7 7l-1 1m-4 4-1 1a5 5 0 0 1-7-7l1-1" />,
)

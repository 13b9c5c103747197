/** Resolves once `holds`; fails when it still does not after `seconds` of real time. */
export async function eventually(holds: () => Promise<boolean> | boolean, seconds = 10): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it did not happen within ${seconds} s`)
    // Leaves the turn to the service, which runs in this process.
    await new Promise(setImmediate)
  }
}

/**
 * Content as a killed process leaves it, for the contracts about crash points
 */

export interface Cut<Part> {
  /** Where the change was cut off, for the report */
  at: string
  /** What opens on it, as after a restart */
  open: () => Promise<Part>
}

export interface CrashHome<Part> {
  /** Opened */
  part: Part
  /** Does the change, and gives the content at each point at which it could have been cut off, the earliest first */
  during: (change: () => Promise<unknown>) => Promise<Array<Cut<Part>>>
  remove: () => Promise<void>
}

/**
 * What each cut shows of a change that is all or nothing: `old` up to some point, and `new` from there on. `read` gives
 * what can be compared as JSON
 */
export async function seenAt<Part, Content> (cuts: ReadonlyArray<Cut<Part>>, { old, read, close }: { old: Content, read: (part: Part) => Promise<Content>, close: (part: Part) => Promise<void> }): Promise<Array<{ at: string, isOld: boolean, content: Content }>> {
  const seen = []
  for (const { at, open } of cuts) {
    const part = await open()
    try {
      const content = await read(part)
      seen.push({ at, isOld: JSON.stringify(content) === JSON.stringify(old), content })
    } finally {
      await close(part)
    }
  }
  return seen
}

/**
 * `<database>.newest`, beside the folder of the database: what was committed and published last
 *
 * LevelDB takes a log that is cut short or empty for the whole of it: what it held is gone without a word, and with it
 * the number of what was published. Who noted that elsewhere can tell. The database is written first and the note
 * after, so that the database may be ahead of the note, whatever crashed in between, but never behind; only going back
 * is noted first.
 */
import { open, readFile, rename, rm } from 'node:fs/promises'
import * as z from 'zod'
import type { Database } from './database.ts'
import type { LostVersions, Publication } from '../interface.ts'

const publicationSchema = z.object({ round: z.int(), sequence: z.int() })

const schema = z.object({
  format: z.literal(1),
  /** Id of the document; absent where the store has none */
  federation: z.string().optional(),
  /** How many commits there were, and the round of the last; absent before the first */
  commit: z.object({ counter: z.int().min(0), round: z.int().min(0) }).optional(),
  publication: publicationSchema.optional()
})

type Note = z.infer<typeof schema>

export interface LastCommit {
  counter: number
  round: number
}

function larger (a: Publication | undefined, b: Publication | undefined): Publication | undefined {
  return a === undefined || b === undefined ? a ?? b : { round: Math.max(a.round, b.round), sequence: Math.max(a.sequence, b.sequence) }
}

/** Undefined where there is none, and for what is not one of ours: nothing is known then */
async function readNote (file: string): Promise<Note | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data
  } catch {
    // a note only adds to what the database says, and is written anew at the next commit
    return undefined
  }
}

async function writeNote (file: string, note: Note): Promise<void> {
  const draft = `${file}_`
  try {
    const handle = await open(draft, 'w', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(note)}\n`)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch {
    // what it would say is in the database already: a full disk is reported by the next write there
    await rm(draft, { force: true }).catch(() => {})
  }
}

export class NewestNote {
  private readonly database: Database
  /** Undefined where the database is not on disk */
  private readonly file: string | undefined
  private note: Note | undefined

  private constructor (database: Database, file: string | undefined, note: Note | undefined) {
    this.database = database
    this.file = file
    this.note = note
  }

  static async load (database: Database, { onDisk }: { onDisk: boolean }): Promise<NewestNote> {
    const file = onDisk ? `${database.location}.newest` : undefined
    return new NewestNote(database, file, file === undefined ? undefined : await readNote(file))
  }

  /** What the database lacks of what it once held */
  async lost (last: LastCommit | undefined): Promise<LostVersions | undefined> {
    const commit = (await this.own())?.commit
    return commit === undefined || commit.counter <= (last?.counter ?? 0) ? undefined : { round: commit.round, found: last?.round ?? 0 }
  }

  /** The later one of both: no number that was noted is signed again */
  async publication (stored: Publication | undefined): Promise<Publication | undefined> {
    return larger(stored, (await this.own())?.publication)
  }

  /** Never rejects */
  async committed (commit: LastCommit | undefined): Promise<void> {
    await this.write({ ...await this.own(), commit })
  }

  /** Never rejects */
  async published (publication: Publication): Promise<void> {
    await this.write({ ...await this.own(), publication })
  }

  /** A new key: what the old one published binds it no more. Never rejects */
  async renewed (commit: LastCommit | undefined): Promise<void> {
    await this.write({ commit })
  }

  /** A folder may have been moved away for another federation, whose rounds are others */
  private async own (): Promise<Partial<Note> | undefined> {
    const [federation] = await this.database.keys('federation')
    const { note } = this
    return note?.federation === undefined || federation === undefined || note.federation === federation ? note : undefined
  }

  private async write ({ commit, publication, federation }: Partial<Note>): Promise<void> {
    if (this.file !== undefined) {
      const [stored = federation] = await this.database.keys('federation')
      this.note = { format: 1, federation: stored, commit, publication }
      await writeNote(this.file, this.note)
    }
  }
}

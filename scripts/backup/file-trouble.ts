import { DamagedCopyError } from '../../shared/store/copies.ts'
import { UnusableDatabaseError } from '../../shared/store/migrations.ts'
import { StoreUnavailableError } from '../../shared/store/store.ts'
import { NotDoneError } from '../cli/exit-code.ts'

/** Does a job on stores and folders. What is wrong with those is thrown as NotDoneError: `outcome` says what that means for the job. */
export async function onFiles<T>(outcome: string, job: () => T | Promise<T>): Promise<T> {
  try {
    return await job()
  } catch (error) {
    if (!isOfFiles(error)) throw error
    const what = error.message.endsWith('.') ? error.message : `${error.message}.`
    throw new NotDoneError(`${what} ${outcome}`, { cause: error })
  }
}

const known = [DamagedCopyError, StoreUnavailableError, UnusableDatabaseError]

/** Also what the file system refuses: no room, no folder, not allowed. */
const isOfFiles = (error: unknown): error is Error =>
  error instanceof Error && (known.some((kind) => error instanceof kind) || ('syscall' in error && 'path' in error))

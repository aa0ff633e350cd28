/** What spilling needs of a disk: whole files in one folder. A test may give another one. */

export interface Disk {
  /** Writes a new file. Nothing is left of it when that fails. */
  readonly write: (name: string, chunks: readonly Uint8Array[]) => Promise<void>;
  /** All bytes of a file, in memory of their own, at an address that is a multiple of 8. */
  readonly read: (name: string) => Promise<Uint8Array>;
  /** Removes a file. Never throws. */
  readonly remove: (name: string) => void;
  /** Removes all files and the folder, when what is under way has ended. Never throws. */
  readonly close: () => Promise<void>;
}

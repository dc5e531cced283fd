import type { Readable } from "node:stream";
import type { FileRow } from "../store/port.ts";

/** The files of one tenant: bytes under the data directory, metadata in the store. */
export interface Files {
  /** Streams to disk with hash and byte count; a stream that breaks off leaves nothing. Throws too_large past `maxBytes`. */
  save(
    bytes: AsyncIterable<Uint8Array>,
    meta: {
      name: string;
      contentType: string;
      purpose?: string | undefined;
      maxBytes?: number | undefined;
      expiresAt?: number | undefined;
      /** Save under this id instead of a new one, in place of a file that has it. */
      id?: string | undefined;
      /** Asked when the bytes are whole and before the file is there: what came after them. Throwing leaves nothing. */
      arrived?: (() => Promise<{ purpose?: string | undefined; expiresAt?: number | undefined }>) | undefined;
    },
  ): Promise<FileRow>;
  /** Throws file_not_found. */
  get(id: string): Promise<FileRow>;
  /** Destroy the stream when it is not read to its end. `path` is where the bytes lie, for formats that are read by their directory. */
  open(id: string): Promise<{ file: FileRow; stream: Readable; path: string }>;
  /** Throws file_in_use while an open batch reads it. */
  delete(id: string): Promise<void>;
}

import { z } from "zod";

/** The name of a stream, as it stands in a path. */
export const streamName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, {
  error: "must be 1 to 100 letters, digits, '_', '-' or '.', and start with a letter or digit",
});

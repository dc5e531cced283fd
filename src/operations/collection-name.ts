import { z } from "zod";

/** Collections are made by writing to them; this is what their names may be. */
export const collectionName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, "a collection's name starts with a letter or digit and has at most 128 of A-Z a-z 0-9 _ . -");

/** Conditions on batches that lists and acts on many share. Each takes one parameter. */

/** Parameter: `likeOf` of a part of the name. */
export const NAME_HAS = "name LIKE ? ESCAPE '\\'";
export const TAGS_HAVE = "EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = ?)";

export function likeOf(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`;
}

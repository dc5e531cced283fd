/** The tenant of a server that nobody has divided. */
export const DEFAULT_TENANT = "default";

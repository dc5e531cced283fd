/**
 * 32-bit hash of an item key (FNV-1a over UTF-16 code units, then murmur3's finaliser). Chunks keep one per item, so
 * that one item is found among millions without a row each; a hit is always verified against the key itself.
 */
export function keyHash(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

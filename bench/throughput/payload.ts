/** The same item for every contender: about 100 bytes of JSON. */
export function payload(i: number): { id: string; sku: string; title: string; price: number; tags: string[] } {
  return { id: `item_${i}`, sku: `SKU-${i % 9973}`, title: "Classification yard, wagon, express", price: i % 1000, tags: ["rail", "yard"] };
}

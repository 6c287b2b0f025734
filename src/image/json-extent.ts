/** How much there is in a value that JSON was read into. */
export interface JsonExtent {
  /** Objects, arrays, and what stands in them. */
  readonly values: number;
  /** Of all texts and names. */
  readonly characters: number;
}

/** Counts what a document has, without writing it out: that would cost what is to be measured. */
export function jsonExtent(document: unknown): JsonExtent {
  let [values, characters] = [0, 0];
  // A stack of our own: reading bounds the depth, and this needn't know by how much.
  const left = [document];
  while (left.length > 0) {
    const value = left.pop();
    values++;
    if (typeof value === "string") characters += value.length;
    else if (Array.isArray(value)) for (const item of value) left.push(item);
    else if (typeof value === "object" && value !== null)
      for (const [name, item] of Object.entries(value)) {
        characters += name.length;
        left.push(item);
      }
  }
  return { values, characters };
}

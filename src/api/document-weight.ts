/** What a name, a bracket or a number takes, in bytes, roughly. */
const VALUE_BYTES = 8;

/** How large a document from the database is as a text, in bytes, roughly: it comes parsed, and to write it out would cost what is to be measured. */
export function weightOf(document: unknown): number {
  const left = [document];
  let bytes = 0;
  while (left.length > 0) {
    const value = left.pop();
    bytes += VALUE_BYTES;
    if (typeof value === "string") bytes += value.length;
    else if (Array.isArray(value)) for (const each of value) left.push(each);
    else if (typeof value === "object" && value !== null)
      for (const [name, each] of Object.entries(value)) {
        bytes += name.length;
        left.push(each);
      }
  }
  return bytes;
}

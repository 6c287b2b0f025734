/**
 * JSON that PostgreSQL takes as jsonb. It has no NUL and no half of a surrogate pair in its texts, and what strangers wrote may have:
 * one such character must not keep a verdict from being stored.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (found) =>
    found === "\\\\" ? found : "\\ufffd",
  );
}

/** A text as a column takes it, for the same reason. */
export function toText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

/** Whether a column can have this text: what it can't, no row has, and the database would refuse the question. */
export function isText(text: string): boolean {
  return toText(text) === text;
}

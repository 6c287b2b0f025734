import { createRequire } from "node:module";

/** A JSON object, as a document of GitHub's is. */
export type Document = { readonly [key: string]: unknown };

interface Definition {
  readonly name: string;
  readonly examples: readonly Document[];
}

const definitions = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly Definition[];

/**
 * A payload that GitHub once sent. There is none for some actions: then it is that of another action of the event.
 *
 * @param fits - Prefers those; the first one if none does.
 */
export function examplePayload(event: string, fits: (example: Document) => boolean = () => true): Document {
  const examples = definitions.find(({ name }) => name === event)?.examples ?? [];
  const found = examples.find(fits) ?? examples[0];
  if (found === undefined) throw new Error(`@octokit/webhooks-examples has no example of ${event}`);
  return found;
}

/** An object within a document; {} if there is none. */
export function within(document: Document, key: string): Document {
  const value = document[key];
  return typeof value === "object" && value !== null ? (value as Document) : {};
}

/** Puts other words for some in every text of a document; the longest of them first. */
export function replaceTexts<T>(value: T, words: ReadonlyMap<string, string>): T {
  const longest = [...words].filter(([word]) => word !== "").sort(([one], [other]) => other.length - one.length);
  if (longest.length === 0) return value;
  const pattern = new RegExp(longest.map(([word]) => RegExp.escape(word)).join("|"), "g");
  const visit = (each: unknown): unknown => {
    if (typeof each === "string") return each.replace(pattern, (word) => words.get(word) ?? word);
    if (Array.isArray(each)) return each.map(visit);
    if (typeof each !== "object" || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, visit(inner)]));
  };
  return visit(value) as T;
}

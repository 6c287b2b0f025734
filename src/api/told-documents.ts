import { type AnswerHead, standingOf, type Told } from "../answer/answer.ts";
import { type HeadDocument, headDocument } from "./answer-form.ts";
import type { ApiPorts } from "./api-ports.ts";
import { type Links, linksFrom } from "./links.ts";

/** How many are looked up side by side. */
const SIDE_BY_SIDE = 8;

/** What is told of one image, in a line; undefined where there is nothing to tell. */
export function lineOf(told: Told, links: Links): HeadDocument | undefined {
  if (told.kind === "answer") return headDocument(told.head, true, links);
  return told.kind === "pending" && told.former !== undefined ? headDocument(told.former, false, links) : undefined;
}

/**
 * What a list found, in lines for everyone, whoever asks: nobody's token is tried on all of it. Whose repository turned private since is
 * left out, as its own address would leave it out; and what doesn't hold any more is pending, and no verdict (RULES R2, R14).
 */
export async function linesForEveryone(
  { privates, published, publicUrl, now }: Pick<ApiPorts, "privates" | "published" | "publicUrl" | "now">,
  heads: readonly AnswerHead[],
): Promise<readonly HeadDocument[]> {
  const links = linksFrom(publicUrl);
  const open = heads.filter(({ audience }) => audience.kind === "everyone");
  const turned = await privates.listPrivateSources(open.map(({ id }) => id));
  return open
    .filter(({ id }) => (turned.get(id) ?? []).length === 0)
    .map((head) => headDocument(head, standingOf(head, published, now()).kind === "current", links));
}

/** The same of each, some at a time, in order. */
export async function sideBySide<Given, Made>(
  given: readonly Given[],
  make: (each: Given) => Promise<Made>,
): Promise<readonly Made[]> {
  const made: Made[] = [];
  for (let from = 0; from < given.length; from += SIDE_BY_SIDE)
    made.push(...(await Promise.all(given.slice(from, from + SIDE_BY_SIDE).map(make))));
  return made;
}

import type { AnswerHead, Told, Viewer } from "../answer/answer.ts";
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
 * What was found, in lines. Each is looked up once more, as if it were asked for alone: a list shows nothing that the image's own address
 * wouldn't show to the same person, and no verdict that doesn't hold any more.
 */
export async function linesOf(
  { lookUp, publicUrl }: Pick<ApiPorts, "lookUp" | "publicUrl">,
  heads: readonly AnswerHead[],
  viewer: Viewer,
): Promise<readonly HeadDocument[]> {
  const links = linksFrom(publicUrl);
  const told = await sideBySide(heads, ({ image }) => lookUp.byReference(image, viewer));
  return told.flatMap((each) => lineOf(each, links) ?? []);
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

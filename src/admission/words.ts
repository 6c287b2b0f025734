import { quote } from "../image/quote.ts";
import { formatReference, ImageReferenceError, parseReference } from "../image/reference.ts";
import type { DecidedImage, Decision } from "./decide.ts";
import type { Grace } from "./settings.ts";

/** Longest that is said of one image, and of all of an object, in characters. */
const MAX_IMAGE_LENGTH = 1000;
const MAX_MESSAGE_LENGTH = 16_000;
/** What a cluster shows of a warning, and of all of them together: the API server cuts off what is more. */
const MAX_WARNING_LENGTH = 120;
const MAX_WARNINGS_LENGTH = 4000;
/** How many of an image's faults are told. */
const MAX_FAULTS = 3;

const MENDS = {
  "unknown-kind":
    "ask for reviews of kinds that make pods alone, or let it pass: its pods are judged when they are made",
  unreadable: "write it as the cluster's API has it",
  limit: "make several objects of it",
} as const;

/** Why an object is denied: each image that keeps it out, the fault, the way to it, and what would mend it. Names are strangers' words. */
export function denial(
  decision: Exclude<Decision, { kind: "unconcerned" }>,
  pageOf: (image: string) => string | undefined,
): string {
  if (decision.kind === "unclear")
    return `${decision.code}: ${quote(decision.reason)}; to mend it: ${MENDS[decision.code]}`;
  const denied = decision.images.filter(({ decision: { kind } }) => kind === "denied");
  const each = Math.min(MAX_IMAGE_LENGTH, Math.floor(MAX_MESSAGE_LENGTH / Math.max(1, denied.length)));
  return denied.map((image) => cut(denialOf(image, pageOf), each)).join("\n");
}

function denialOf({ place, finding }: DecidedImage, pageOf: (image: string) => string | undefined): string {
  const { image, outcome, faults } = finding;
  const name = image === undefined ? quote(place.image ?? "no image") : formatReference(image);
  const is =
    outcome === "refused" ? "can't be judged" : outcome === "undetermined" ? "is undetermined" : "isn't trusted";
  const page = image === undefined ? undefined : pageOf(formatReference(image));
  const told = faults.slice(0, MAX_FAULTS).map(({ code, reason, way, mend }) => {
    const path = way.length > 1 ? ` (${way.map(quote).join(" <- ")})` : "";
    return `${code}: ${quote(reason)}${path}; to mend it: ${quote(mend)}`;
  });
  const more = faults.length > MAX_FAULTS ? ["and more"] : [];
  // What can be cut off stands last.
  const where = page === undefined ? "" : ` [${page}]`;
  return `${quote(place.what)}: ${name} ${is}${where}: ${[...told, ...more].join(". ")}`;
}

/** What whoever applied the object is warned of: what passes although it isn't trusted. */
export function warningsOf(decision: Decision, grace: Grace | undefined): readonly string[] {
  if (decision.kind === "unconcerned") return [];
  if (decision.kind === "unclear")
    return decision.isAllowed
      ? [cut(`not judged: ${decision.code}: ${quote(decision.reason)}`, MAX_WARNING_LENGTH)]
      : [];
  const all = decision.images.flatMap(({ decision: made, finding, place }) => {
    if (made.kind !== "let-through") return [];
    const [code = finding.outcome] = finding.faults.map((fault) => fault.code);
    const why = {
      grace: `grace "${grace?.name}" until ${grace?.lastDay}`,
      undetermined: "could not look, allowed",
      "not-enforced": "would be denied",
    }[made.by];
    return [cut(`${why} (${code}): ${shortened(place.image)}`, MAX_WARNING_LENGTH)];
  });
  return within([...new Set(all)]);
}

function within(all: readonly string[]): readonly string[] {
  let length = 0;
  const told = all.filter((each) => {
    length += each.length;
    return length <= MAX_WARNINGS_LENGTH;
  });
  return told.length === all.length ? told : [...told, `and ${all.length - told.length} more images`];
}

/** Name, tag, and of the digest what one recognises. */
function shortened(text = ""): string {
  try {
    const { digest, ...named } = parseReference(text);
    return digest === undefined ? formatReference(named) : `${formatReference(named)}@${digest.slice(0, 19)}`;
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    return quote(text);
  }
}

function cut(text: string, length: number): string {
  return text.length > length
    ? `${text
        .slice(0, length - 1)
        .toWellFormed()
        .replace(/\ufffd$/, "")}…`
    : text;
}

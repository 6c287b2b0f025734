import { formatReference, ImageReferenceError, parseReference } from "../image/reference.ts";
import { findPod } from "./find-pod.ts";
import { type ImagePlace, imagePlaces, MAX_PLACES } from "./image-places.ts";
import { type ImageFinding, type JudgingPorts, judgeNamedImage } from "./judge-image.ts";
import { podPlatforms } from "./pod-platforms.ts";
import type { Review } from "./review.ts";
import { isSameButMetadata } from "./same-but-metadata.ts";
import { type AdmissionSettings, isGraced, runningKey } from "./settings.ts";

/** One image of an object, and what becomes of it. */
export interface DecidedImage {
  readonly place: ImagePlace;
  readonly finding: ImageFinding;
  readonly decision:
    | { readonly kind: "allowed" }
    | { readonly kind: "denied" }
    /** Although it isn't trusted. */
    | { readonly kind: "let-through"; readonly by: "grace" | "undetermined" | "not-enforced" };
  /** Where the tag is to be written with the digest that was judged: the new text. */
  readonly pinned: string | undefined;
}

/** What a cluster is answered. */
export type Decision =
  /** Nothing in it runs that didn't before, or nothing at all. */
  | { readonly kind: "unconcerned" }
  /** It isn't understood: what it would run nobody knows. */
  | {
      readonly kind: "unclear";
      readonly code: "unknown-kind" | "unreadable" | "limit";
      readonly reason: string;
      readonly isAllowed: boolean;
    }
  | { readonly kind: "judged"; readonly images: readonly DecidedImage[]; readonly isAllowed: boolean };

/** At which of the two doors it is asked. */
export interface Door {
  /** The second door sees what the first one wrote, and writes nothing: a tag is refused there. */
  readonly mayPin: boolean;
  readonly settings: AdmissionSettings;
  readonly now: Date;
}

/** Decides whether an object may be. Deterministic but for what the judge answers; it changes nothing anywhere, so a dry run is the same. */
export async function decide(ports: JudgingPorts, review: Review, { mayPin, settings, now }: Door): Promise<Decision> {
  const { operation, object, oldObject, kind } = review;
  if (operation === "DELETE" || operation === "CONNECT") return { kind: "unconcerned" };
  const isUpdate = operation === "UPDATE";
  if (isUpdate && isSameButMetadata(oldObject, object)) return { kind: "unconcerned" };
  const { isEnforced } = settings;
  const found = findPod(kind, object);
  if (found.kind === "unknown") {
    const reason = `${kind.kind} is no kind that is known here, and has no pod template at spec.template`;
    return { kind: "unclear", code: "unknown-kind", reason, isAllowed: !isEnforced || settings.unknown === "allow" };
  }
  if (found.kind === "unreadable")
    return { kind: "unclear", code: "unreadable", reason: found.reason, isAllowed: !isEnforced };
  const owner = `${kind.group}/${kind.kind}`;
  const places = imagePlaces(found.pod, found.place, owner);
  if (places.length > MAX_PLACES) {
    const reason = `it names ${places.length} images, and no more than ${MAX_PLACES} are judged of one object`;
    return { kind: "unclear", code: "limit", reason, isAllowed: !isEnforced };
  }
  const before = isUpdate ? placesBefore(review, owner) : [];
  const running = new Set(before.flatMap(({ image }) => keyOfPinned(image)));
  const writtenBefore = new Map(before.map(({ pointer, image }) => [pointer, image]));
  const platforms = podPlatforms(found.pod);
  // Several times the same image is one question.
  const findings = new Map<string | undefined, Promise<ImageFinding>>();
  const judged = places.map(({ image }) => {
    const known = findings.get(image) ?? judgeNamedImage(ports, image, platforms);
    findings.set(image, known);
    return known;
  });
  const images = (await Promise.all(judged)).flatMap((given, i): readonly DecidedImage[] => {
    const place = places[i];
    if (place === undefined) return [];
    // What can't be changed any more can't be pinned either. It makes no pod, or each of them comes by here.
    const isBound = given.isPinned || (place.isFixed && writtenBefore.get(place.pointer) === place.image);
    const finding = mayPin || isBound || !isEnforced ? given : unpinned(given);
    const decision = decisionOn(finding, settings, running, now);
    const pins = mayPin && isEnforced && !isBound && decision.kind !== "denied" && finding.image !== undefined;
    return [{ place, finding, decision, pinned: pins ? formatReference(finding.image) : undefined }];
  });
  return { kind: "judged", images, isAllowed: images.every(({ decision }) => decision.kind !== "denied") };
}

function decisionOn(
  { outcome, image, faults }: ImageFinding,
  { undetermined, isEnforced, grace }: AdmissionSettings,
  running: ReadonlySet<string>,
  now: Date,
): DecidedImage["decision"] {
  if (outcome === "trusted") return { kind: "allowed" };
  if (!isEnforced) return { kind: "let-through", by: "not-enforced" };
  const codes = faults.map(({ code }) => code);
  if (isGraced(grace, image, codes, running, now)) return { kind: "let-through", by: "grace" };
  if (outcome === "undetermined" && undetermined === "allow") return { kind: "let-through", by: "undetermined" };
  return { kind: "denied" };
}

/** At the second door a tag could name something else by the time a machine pulls it. Where it can't even be resolved, that is said. */
function unpinned(finding: ImageFinding): ImageFinding {
  if (finding.image === undefined) return finding;
  const fault = {
    code: "not-pinned",
    reason: "its tag could name another image by the time it is pulled",
    mend: "name its digest, or let the first webhook (/v1/admission) write it",
    way: [],
  };
  return { ...finding, outcome: "refused", image: undefined, faults: [fault] };
}

/** What can't be read had nothing that anyone could know of. */
function placesBefore({ kind, oldObject }: Review, owner: string): readonly ImagePlace[] {
  const found = findPod(kind, oldObject);
  return found.kind === "pod" ? imagePlaces(found.pod, found.place, owner) : [];
}

/** A tag is no digest: what ran under it nobody knows (RULES R35). */
function keyOfPinned(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  try {
    const { digest, ...named } = parseReference(text);
    return digest === undefined ? [] : [runningKey({ ...named, digest })];
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    return [];
  }
}

import { ArchiveError } from "../archive/error.ts";
import { readEvidence } from "../archive/evidence-file.ts";
import type { Digest } from "../image/digest.ts";
import { JsonError, readDocument } from "../image/json.ts";
import { type Platform, PlatformError, parsePlatform } from "../image/platform.ts";
import { type ImageReference, ImageReferenceError, imageName, parseReference } from "../image/reference.ts";
import type { EvidenceAnswer } from "../report/evidence-report.ts";
import { parseTrustedRoot, TrustedRootError, type TrustedRootProfile } from "../sigstore/trusted-root.ts";
import { createBundleVerifier } from "../sigstore/verifier.ts";
import type { AnsweredPorts } from "../trust/answered-ports.ts";
import { type ExportedImage, exportedEvidenceSchema } from "../trust/exported-evidence.ts";
import { type Policy, parseDefaultPolicy, parsePolicy } from "../trust/policy.ts";
import { defaultPolicy } from "../trust/policy-default.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { replayPorts, WalkRecordError } from "../trust/replaying.ts";
import { findingOf } from "../trust/resolve.ts";
import type { Verdict } from "../trust/verdict.ts";
import type { RecordedBytes } from "../trust/walk-record.ts";
import { nothingElsewhere } from "./elsewhere.ts";
import { UsageError, usage } from "./exit-code.ts";
import { feedShelf } from "./feed-shelf.ts";
import { findNamed } from "./subject.ts";
import { type Judged, judgedBy, type Surroundings, type VerdictWithPackages, withPackages } from "./walk.ts";

/** Largest document in a file of evidence, in bytes. That of one usual image has some tens of kilobytes. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;
/** And most parts of its JSON: some dozens for each thing that a walk asks. */
const MAX_DOCUMENT_PARTS = 4_000_000;

/** A file of evidence, whole and of the right form; nothing in it is believed. */
export interface OpenEvidence {
  readonly digest: Digest;
  readonly images: readonly ExportedImage[];
  readonly bytes: RecordedBytes;
}

/** @throws {UsageError} of a file that isn't as it was written. */
export async function openEvidence(path: string): Promise<OpenEvidence> {
  const advice = "get the file anew";
  try {
    const { digest, document, blobs } = await readEvidence(path);
    if (document.length > MAX_DOCUMENT_BYTES)
      throw new UsageError(`read evidence ${path}: its document has more than ${MAX_DOCUMENT_BYTES} bytes`);
    const { images } = usage(
      JsonError,
      () => readDocument(exportedEvidenceSchema, document, MAX_DOCUMENT_PARTS),
      advice,
    );
    return { digest, images, bytes: blobs };
  } catch (error) {
    if (error instanceof ArchiveError || error instanceof BeyondLimit)
      throw new UsageError(`${error.message}; ${advice}`, { cause: error });
    throw error;
  }
}

/** Whether an image of the file is the one that is meant, by all that was said of it. */
export function isNamed({ reference, record }: ExportedImage, asked: ImageReference): boolean {
  const held = referenceOf(reference);
  const found = record.resolutions.flatMap(({ reference: name, answer }) =>
    name === reference && answer.kind === "found" ? [answer.digest] : [],
  );
  return (
    imageName(held) === imageName(asked) &&
    (asked.tag === undefined || asked.tag === held.tag) &&
    (asked.digest === undefined || asked.digest === (held.digest ?? found[0]))
  );
}

/** Which trusted roots there are to judge by what was then. */
export interface RootsThen {
  /** Those that hold here. */
  readonly roots: readonly TrustedRootProfile[];
  /** Those that may be in the file: whoever made it could have put one of their own there. */
  readonly known: readonly TrustedRootProfile[];
  /** Whether those in the file are taken unknown. */
  readonly takeFiles: boolean;
}

/**
 * What the verdict was at the time of the export, by the policy in the file (RULES R34). Of the trusted roots in it only those are taken
 * that are known here, unless whoever asks wants it otherwise.
 *
 * @throws {UsageError}
 */
export async function asItWas(
  image: ExportedImage,
  bytes: RecordedBytes,
  { roots, known, takeFiles }: RootsThen,
): Promise<EvidenceAnswer["atExport"]> {
  const areKnown = image.trustedRoots.every(({ blob }) => known.some(({ digest }) => digest === blob));
  const isFiles = areKnown || takeFiles;
  const taken = isFiles
    ? image.trustedRoots.map(({ name, blob }) =>
        usage(TrustedRootError, () => parseTrustedRoot(heldBytes(bytes, blob), name)),
      )
    : roots;
  const [ports, policy] = [portsOf(image, bytes, taken), policyOf(image, bytes)];
  const { verdict } = await replay(image, ports, policy, platformOf(image.platform), new Date(image.asOf));
  return { verdict, roots: areKnown ? "known" : takeFiles ? "file" : "here" };
}

/** By what it is judged now: all of it whoever asks has chosen. */
export interface JudgedNow {
  readonly policy: Policy;
  readonly roots: readonly TrustedRootProfile[];
  /** The exporter may have asked about the one platform that is good. */
  readonly wanted: Platform | "every";
  readonly asOf: Date;
}

/**
 * What the verdict is by the policy and the trusted roots of whoever asks, today (RULES R34). What the file doesn't hold couldn't be
 * looked at, be it that its maker had nobody to ask; of roots feeds also those count that were seen here.
 *
 * @throws {UsageError}
 */
export async function asIsKnown(
  image: ExportedImage,
  bytes: RecordedBytes,
  judged: JudgedNow,
  surroundings: Surroundings,
): Promise<Verdict> {
  const ports = portsNow(image, bytes, judged, surroundings);
  const { verdict } = await replay(image, ports, judged.policy, judged.wanted, judged.asOf);
  return verdict;
}

/**
 * The same, and which packages are listed as far as the file holds that: what no verdict rests on was read only where it stood among
 * attestations.
 *
 * @throws {UsageError}
 */
export async function asIsKnownWithPackages(
  image: ExportedImage,
  bytes: RecordedBytes,
  judged: JudgedNow,
  surroundings: Surroundings,
): Promise<VerdictWithPackages> {
  const { policy, wanted, asOf } = judged;
  const ports = portsNow(image, bytes, judged, surroundings);
  return withPackages(ports, policy, await replay(image, ports, policy, wanted, asOf));
}

function portsNow(
  image: ExportedImage,
  bytes: RecordedBytes,
  { policy, roots }: JudgedNow,
  surroundings: Surroundings,
): AnsweredPorts {
  const { known, ...ports } = portsOf(image, bytes, roots);
  // What its maker knew of images is of his policy; by another one there is nobody to ask, as in any walk from here (RULES R22).
  const isOfPolicy = image.record.known?.answers.some((answer) => answer.policy === policy.digest) === true;
  const here = feedShelf(surroundings);
  return {
    ...ports,
    ...(known && isOfPolicy && { known }),
    layers: ports.layers ?? nothingElsewhere.layers,
    defaultBranches: ports.defaultBranches ?? nothingElsewhere.defaultBranches,
    feeds: {
      source: ports.feeds?.source ?? nothingElsewhere,
      shelf: {
        readFeed: async (key) => (await here.readFeed(key)) ?? ports.feeds?.shelf.readFeed(key),
        keepFeed: async () => {},
      },
    },
  };
}

function portsOf(image: ExportedImage, bytes: RecordedBytes, roots: readonly TrustedRootProfile[]): AnsweredPorts {
  return usage(WalkRecordError, () => replayPorts(image.record, bytes, createBundleVerifier({ roots })));
}

async function replay(
  image: ExportedImage,
  ports: AnsweredPorts,
  policy: Policy,
  wanted: Platform | "every",
  asOf: Date,
): Promise<Judged> {
  const reference = referenceOf(image.reference);
  const found = await findNamed(reference, ports);
  try {
    return await judgedBy({ reference, found }, ports, policy, wanted, asOf);
  } catch (error) {
    // Of images that are known a walk can't do without an answer.
    if (!(error instanceof CouldNotLook)) throw error;
    return judgedBy({ reference, found: { kind: "finding", finding: findingOf(error) } }, ports, policy, wanted, asOf);
  }
}

/** @throws {UsageError} */
export function platformOf(platform: string | null): Platform | "every" {
  return platform === null ? "every" : usage(PlatformError, () => parsePlatform(platform), "write it as linux/arm64");
}

/** @throws {UsageError} @throws {PolicyError} */
function policyOf({ policy: { name, blob, server, isDefault } }: ExportedImage, bytes: RecordedBytes): Policy {
  if (blob === defaultPolicy.digest) return defaultPolicy;
  const text = heldBytes(bytes, blob);
  return isDefault ? parseDefaultPolicy(text, name) : parsePolicy(text, name, { server });
}

function heldBytes(bytes: RecordedBytes, blob: Digest): Uint8Array {
  const held = bytes.get(blob);
  if (held === undefined) throw new UsageError(`read evidence: ${blob} is named, and isn't there`);
  return held;
}

function referenceOf(text: string): ImageReference {
  return usage(ImageReferenceError, () => parseReference(text));
}

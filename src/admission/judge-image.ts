import type { Platform } from "../image/platform.ts";
import {
  formatReference,
  type ImageReference,
  ImageReferenceError,
  type PinnedImage,
  parseReference,
  pin,
  withDefaultTag,
} from "../image/reference.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import type { ImageFault, ImageJudge } from "./judgement.ts";

/** What is said of one image: by policy, or, `refused`, because it can't be judged as it is written. */
export interface ImageFinding {
  readonly outcome: "trusted" | "untrusted" | "undetermined" | "refused";
  readonly level: number;
  readonly faults: readonly ImageFault[];
  /** What was judged; undefined where it was never known which image is meant. */
  readonly image: PinnedImage | undefined;
  /** Whether it was written with its digest. */
  readonly isPinned: boolean;
}

/** What judging needs beside the judge. */
export interface JudgingPorts {
  readonly judge: ImageJudge;
  /** Settles when the cluster won't wait any longer. */
  readonly deadline: Promise<unknown>;
  /** Told of faults of the program. */
  readonly onFault: (error: unknown) => void;
}

const LATE = Symbol("late");

/**
 * Judges one image as an object names it, as a container runtime reads the name: Docker Hub where no registry is named, `latest` where no
 * tag is. Whatever goes wrong is a finding, and none of them is trusted.
 */
export async function judgeNamedImage(
  { judge, deadline, onFault }: JudgingPorts,
  text: string | undefined,
  platforms: readonly Platform[] | undefined,
): Promise<ImageFinding> {
  if (text === undefined || text === "")
    return refused("no-image", "it names no image", "name one, by digest where you can");
  let reference: ImageReference;
  try {
    reference = withDefaultTag(parseReference(text));
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    return refused("malformed-reference", error.message, "write registry/repository:tag@sha256:…");
  }
  let image: PinnedImage | undefined;
  const isPinned = reference.digest !== undefined;
  const found = (outcome: ImageFinding["outcome"], faults: readonly ImageFault[], level = 0): ImageFinding => ({
    outcome,
    level,
    faults,
    image,
    isPinned,
  });
  const one = (code: string, reason: string, mend: string): readonly ImageFault[] => [
    { code, reason, mend, way: [formatReference(reference)] },
  ];
  const late = deadline.then(() => LATE);
  try {
    const digest = reference.digest ?? (await Promise.race([judge.resolve(reference), late]));
    if (digest === undefined)
      return found(
        "untrusted",
        one("tag-not-found", "the repository has no such tag", "push the image, or name another"),
      );
    if (typeof digest === "symbol") return found("undetermined", one("timeout", TOO_LATE, TRY_AGAIN));
    image = pin(reference, digest);
    const judged = await Promise.race([judge.judge(image, platforms), late]);
    if (typeof judged === "symbol") return found("undetermined", one("timeout", TOO_LATE, TRY_AGAIN));
    return found(judged.outcome, judged.faults, judged.level);
  } catch (error) {
    if (error instanceof CouldNotLook) return found("undetermined", one(error.code, error.message, TRY_AGAIN));
    if (error instanceof BeyondLimit)
      return found(
        "untrusted",
        one("limit", error.message, "nothing that is read here is so large: look at what it is"),
      );
    // Not taken for an inability: where those pass, whoever makes us stumble would pass.
    onFault(error);
    return found("refused", one("internal", "a fault of the program that judges", "tell whoever runs it"));
  }
}

const TOO_LATE = "judging takes longer than the cluster waits; it goes on, and the answer will be there soon";
const TRY_AGAIN = "try again; this says nothing of the image";

function refused(code: string, reason: string, mend: string): ImageFinding {
  return { outcome: "refused", level: 0, faults: [{ code, reason, mend, way: [] }], image: undefined, isPinned: false };
}

import pLimit from "p-limit";
import { formatPlatform, type Platform } from "../image/platform.ts";
import { formatReference, imageName, type PinnedImage } from "../image/reference.ts";
import { gatherEvidence, keepsStatement, openReading } from "./evidence.ts";
import { type Examination, type ExaminePorts, examine } from "./examine.ts";
import { withExternalReferrers } from "./external-referrers.ts";
import { askAhead } from "./held-statement.ts";
import { judgedName } from "./mirror.ts";
import type { OwnBuild } from "./own-build.ts";
import type { Policy } from "./policy.ts";
import type { AttestationSource, BundleVerifier, DefaultBranches, ImageReader } from "./ports.ts";
import { type Ahead, type ImageNode, type Resolution, resolveImage } from "./resolve.ts";
import { revokedDigest } from "./revocation.ts";

/** How many images are looked at side by side. */
const CONCURRENCY = 16;

/** What visits need of the world. */
export interface VisitPorts {
  readonly images: ImageReader;
  readonly attestations: AttestationSource;
  readonly verifier: BundleVerifier;
  readonly defaultBranches?: DefaultBranches;
}

/**
 * Everything that one walk looks at, each thing once, whoever asks and in whatever order (DESIGN §9). What is answered doesn't depend on
 * that order.
 */
export interface Visits {
  /** @see resolveImage */
  resolve(image: PinnedImage, wanted: Platform | "every", isParent: boolean): Promise<readonly Resolution[]>;
  /**
   * @see examine
   * @returns `isFirst`: whether nobody had asked for it before.
   */
  examine(node: ImageNode, own?: OwnBuild): Promise<{ readonly examination: Examination; readonly isFirst: boolean }>;
}

/** The visits of one walk. */
export function openVisits(ports: VisitPorts, policy: Policy, asOf: Date): Visits {
  const limit = pLimit(CONCURRENCY);
  // Limits of their own: who holds a place among the images waits for these, and these wait for nobody who does.
  const listings = pLimit(CONCURRENCY);
  const reading = openReading();
  const attestations = withExternalReferrers(ports.attestations, policy.referrers, (image) =>
    judgedName(policy, image),
  );
  const evidence = keeping((image: PinnedImage) =>
    listings(() => gatherEvidence(attestations, ports.verifier, image, policy.keys, reading)),
  );
  const evidenceOf = (image: PinnedImage) => evidence(`${imageName(image)}@${image.digest}`, image).value;
  const examinePorts: ExaminePorts = {
    images: ports.images,
    keeps: (statement) => keepsStatement(reading, statement),
    defaultBranches: ports.defaultBranches,
    evidenceOf,
  };

  /** Evidence needn't wait until the image is read: its digest is known, and it will be asked for if the image is one. */
  const ahead: Ahead = {
    onImage: (image) => {
      evidenceOf(image).catch(() => {}); // whoever needs it is told
    },
    onBeside: (manifest, descriptor) => {
      reading.limit(() => askAhead(ports.images, manifest, descriptor)).catch(() => {});
    },
  };
  const isDecided = ({ digest }: PinnedImage) =>
    policy.roots.some(({ image }) => image.digest === digest) || revokedDigest(policy, [digest]) !== undefined;

  const resolutions = keeping(
    ([image, wanted, isParent]: readonly [PinnedImage, Platform | "every", boolean]): Promise<readonly Resolution[]> =>
      limit(() => resolveImage(ports.images, image, wanted, isParent, isDecided(image) ? undefined : ahead)),
  );
  const examinations = keeping(([node, own]: readonly [ImageNode, OwnBuild | undefined]) =>
    limit(() => examine(examinePorts, policy, node, asOf, own)),
  );
  return {
    resolve: (image, wanted, isParent) => {
      const key = [formatReference(image), wanted === "every" ? wanted : formatPlatform(wanted), isParent].join(" ");
      return resolutions(key, [image, wanted, isParent]).value;
    },
    examine: async (node, own) => {
      // With its tag: what is said of a node says how it was called.
      const way = node.indexes.map(({ image }) => image.digest);
      // An own build is held to more; what is enough of an ancestor isn't of it (RULES R9).
      const as = own === undefined ? "image" : JSON.stringify(own);
      const key = [as, formatReference(node.image), formatPlatform(node.platform), ...way].join(" ");
      const { value, isFirst } = examinations(key, [node, own]);
      return { examination: await value, isFirst };
    },
  };
}

/** Runs a function once a key. */
function keeping<Given, Made>(
  make: (given: Given) => Promise<Made>,
): (key: string, given: Given) => { readonly value: Promise<Made>; readonly isFirst: boolean } {
  const kept = new Map<string, Promise<Made>>();
  return (key, given) => {
    const before = kept.get(key);
    if (before !== undefined) return { value: before, isFirst: false };
    const value = make(given);
    kept.set(key, value);
    return { value, isFirst: true };
  };
}

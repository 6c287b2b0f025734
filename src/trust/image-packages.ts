import { formatPlatform } from "../image/platform.ts";
import { acceptedSboms, type SbomPorts } from "./accepted-sboms.ts";
import type { Ancestry } from "./ancestry.ts";
import type { Finding } from "./finding.ts";
import type { Policy } from "./policy.ts";
import type { AcceptedSbom } from "./read-sbom.ts";
import type { JudgedNode } from "./verdict.ts";

/** What is known of the packages of an image for one of its platforms. No verdict rests on it. */
export interface PlatformPackages {
  /** Undefined where the image couldn't be read so far. */
  readonly platform: string | undefined;
  readonly finding: Finding;
  /** Whether lists were looked for: not where policy revokes the image, and not where there is none to look at. */
  readonly isLookedFor: boolean;
  readonly sboms: readonly AcceptedSbom[];
  /** Why there may be more. */
  readonly unread: readonly string[];
  /** Why signed lists about it don't count. */
  readonly refused: readonly string[];
  /** How many attestations were not read. */
  readonly omitted: number;
}

/**
 * Looks for the lists of packages of images that were judged.
 *
 * @param ports - What the walk had.
 * @param ancestry - The one that was judged.
 * @param asked - The images of the platforms that are to be told of.
 */
export async function imagePackages(
  ports: SbomPorts,
  policy: Policy,
  { nodes }: Ancestry,
  asked: readonly JudgedNode[],
): Promise<readonly PlatformPackages[]> {
  return Promise.all(
    asked.map(async (judged): Promise<PlatformPackages> => {
      const { id, finding, platform } = judged;
      const node = nodes.get(id)?.node;
      const named = node?.platform ?? platform;
      const told = { platform: named && formatPlatform(named), finding };
      if (node === undefined || finding.kind === "revoked")
        return { ...told, isLookedFor: false, sboms: [], unread: [], refused: [], omitted: 0 };
      return { ...told, isLookedFor: true, ...(await acceptedSboms(ports, policy, node, judged)) };
    }),
  );
}

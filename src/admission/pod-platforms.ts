import { type Platform, PlatformError, parsePlatform } from "../image/platform.ts";
import type { Pod } from "./pod-form.ts";

const ARCHITECTURE = "kubernetes.io/arch";
const SYSTEM = "kubernetes.io/os";

/** Every system that Kubernetes runs on: where a pod names none, a machine of each may get it. */
const SYSTEMS = ["linux", "windows"];

/** What machines of one label take different images for: each the best for its own processor. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = { arm: ["arm/v8", "arm/v7", "arm/v6", "arm/v5"] };

/**
 * The platforms of all machines that a pod may run on (RULES R30), where it names their processor, by its selector or by what its affinity
 * demands. Preferences bind nobody.
 *
 * @returns undefined where it may run on several processors, or none is named: then the platforms of policy count.
 */
export function podPlatforms(pod: Pod): readonly Platform[] | undefined {
  const architecture = only(pod, ARCHITECTURE);
  if (architecture === undefined) return undefined;
  const named = pod.os?.name ?? only(pod, SYSTEM);
  const processors = (Object.hasOwn(VARIANTS, architecture) && VARIANTS[architecture]) || [architecture];
  try {
    return (named === undefined ? SYSTEMS : [named]).flatMap((os) =>
      processors.map((processor) => parsePlatform(`${os}/${processor}`)),
    );
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    // No machine has such a label.
    return undefined;
  }
}

/** The one value that a label of the machine must have. */
function only(pod: Pod, label: typeof ARCHITECTURE | typeof SYSTEM): string | undefined {
  const selected = pod.nodeSelector?.[label];
  if (selected !== undefined) return selected;
  const terms = pod.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const values = new Set<string | undefined>();
  // One of the terms has to fit, and all in it.
  for (const { matchExpressions } of terms) {
    const bound = (matchExpressions ?? []).find(
      ({ key, operator, values: allowed }) => key === label && operator === "In" && allowed?.length === 1,
    );
    values.add(bound?.values?.[0]);
  }
  const [value] = values;
  return values.size === 1 ? value : undefined;
}

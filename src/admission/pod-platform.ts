import { type Platform, PlatformError, parsePlatform } from "../image/platform.ts";
import type { Pod } from "./pod-form.ts";

const ARCHITECTURE = "kubernetes.io/arch";
const SYSTEM = "kubernetes.io/os";

/**
 * The platform of the only kind of machine that a pod may run on (RULES R30): one processor by its selector or by what its affinity
 * demands, and the system beside it, Linux where none is said. Preferences bind nobody.
 *
 * @returns undefined where it may run on several, or none is named: then the platforms of policy count.
 */
export function podPlatform(pod: Pod): Platform | undefined {
  const architecture = only(pod, ARCHITECTURE);
  if (architecture === undefined) return undefined;
  const os = pod.os?.name ?? only(pod, SYSTEM) ?? "linux";
  try {
    return parsePlatform(`${os}/${architecture}`);
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

import { JsonError, readValue } from "../image/json.ts";
import { type Pod, podSchema } from "./pod-form.ts";

/** Where the kinds of Kubernetes that make pods have the pod's spec, by group and kind; each version has it at the same place. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  "/Pod": ["spec"],
  "/PodTemplate": ["template", "spec"],
  "/ReplicationController": ["spec", "template", "spec"],
  "apps/Deployment": ["spec", "template", "spec"],
  "apps/StatefulSet": ["spec", "template", "spec"],
  "apps/DaemonSet": ["spec", "template", "spec"],
  "apps/ReplicaSet": ["spec", "template", "spec"],
  "batch/Job": ["spec", "template", "spec"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
};

/** Where most kinds of others have it, too. */
const USUAL = ["spec", "template", "spec"];

/** What in an object would run. */
export type FoundPod =
  | {
      readonly kind: "pod";
      readonly pod: Pod;
      /** The keys that lead to it. */
      readonly place: readonly string[];
    }
  /** No kind that we know, and without a pod's template at the usual place: nobody knows what it runs. */
  | { readonly kind: "unknown" }
  /** It has a pod that can't be read. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** Finds the spec of the pod that an object is, or makes. */
export function findPod({ group, kind }: { readonly group: string; readonly kind: string }, object: unknown): FoundPod {
  const key = `${group}/${kind}`;
  const known = Object.hasOwn(PLACES, key) ? PLACES[key] : undefined;
  const place = known ?? USUAL;
  const spec = at(object, place);
  if (known === undefined && !Array.isArray(at(spec, ["containers"]))) return { kind: "unknown" };
  try {
    return { kind: "pod", pod: readValue(podSchema, spec), place };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { kind: "unreadable", reason: error.message };
  }
}

/** What stands at a place; undefined where nothing does. */
export function at(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return value;
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
    return undefined;
  return at(Reflect.get(value, key), rest);
}

/** What says nothing of what runs: labels, owners and finalizers, and what the cluster observed. */
const BESIDE = new Set(["metadata", "status"]);

/**
 * Whether an update leaves all of an object as it was but for its metadata and status. It starts nothing, and refusing it would keep
 * finalizers from being taken off a pod that is to end.
 */
export function isSameButMetadata(before: unknown, after: unknown): boolean {
  if (!isObject(before) || !isObject(after)) return false;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)].filter((key) => !BESIDE.has(key)));
  return [...keys].every(
    (key) => Object.hasOwn(before, key) && Object.hasOwn(after, key) && isSame(before[key], after[key]),
  );
}

/** Of values that came out of JSON: their depth is bounded. */
function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((each, i) => isSame(each, other[i]));
  }
  if (!isObject(one) || !isObject(other)) return one === other;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

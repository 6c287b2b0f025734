import type { Builder } from "./builder.ts";
import { daysLeft, lapsesSoon } from "./expiry.ts";
import { namesWithoutIds } from "./identity.ts";
import type { Policy } from "./policy.ts";

/** What is no fault of a policy, and hardly meant. */
export interface PolicyWarning {
  readonly code:
    | "no-ids"
    | "root-expired"
    | "root-expires"
    | "no-effect"
    | "undated-revocation"
    | "accepts-nothing"
    /** A number of the policy isn't the one that GitHub gives for the name. */
    | "id-differs"
    /** GitHub answers for the name with another one. */
    | "renamed"
    /** The numbers are known, and the text can't be added to. */
    | "ids-not-written";
  /** `trust.roots[0].expires` */
  readonly path: string;
  readonly message: string;
}

/** @param now - What expiry is compared with. */
export function policyWarnings(policy: Policy, now: Date): readonly PolicyWarning[] {
  return [
    ...nothingAccepted(policy),
    ...withoutIds(policy),
    ...withoutEffect(policy),
    ...ofRoots(policy, now),
    ...undated(policy),
  ];
}

function nothingAccepted(policy: Policy): readonly PolicyWarning[] {
  if (policy.builders.length + policy.roots.length + policy.verifiers.length + policy.rootsFrom.length > 0) return [];
  const message = "names no builder, publisher, root or verifier: no image at all passes";
  return [{ code: "accepts-nothing", path: policy.lineOf("trust") === undefined ? "version" : "trust", message }];
}

/** Rules R8. */
function withoutIds({ builders }: Policy): readonly PolicyWarning[] {
  const named = new Map(
    builders.filter(namesWithoutIds).map((builder) => [sourcePath(builder), canBeAsked(builder)] as const),
  );
  const message = "a name without owner-id or repository-id: level 1 at most, because names can change hands";
  return [...named].map(([path, asked]) => ({
    code: "no-ids",
    path,
    message: asked ? `${message}; \`trusted-builds policy check --fix\` asks GitHub for them and writes them` : message,
  }));
}

/** Whose numbers GitHub can be asked for: at least the owner is spelled out. */
function canBeAsked(builder: Builder): boolean {
  return (
    builder.kind === "github" && builder.source.kind === "repository" && /^[^{/]+\//.test(builder.source.repository)
  );
}

function sourcePath({ kind, path }: Builder): string {
  return kind === "github" ? `${path}.github.repository` : `${path}.identity.source.repository`;
}

/** Of two entries that accept the same signers, the one that says less about fewer images. */
function withoutEffect({ builders }: Policy): readonly PolicyWarning[] {
  return builders.flatMap((builder, i): readonly PolicyWarning[] => {
    const other = builders.find(
      (each, k) => each.path !== builder.path && covers(each, builder) && (k < i || !covers(builder, each)),
    );
    if (other === undefined) return [];
    const message = `without effect: ${other.path} accepts the same signers, for these images and at no lower level`;
    return [{ code: "no-effect", path: builder.path, message }];
  });
}

function covers(wide: Builder, narrow: Builder): boolean {
  return (
    wide.level >= narrow.level &&
    (wide.builds || !narrow.builds) &&
    conditionsOf(wide) === conditionsOf(narrow) &&
    narrow.images.every(({ pattern }) =>
      wide.images.some(
        (glob) => glob.pattern === pattern || (!/[*{]/.test(pattern) && matchesWithoutCapture(glob, pattern)),
      ),
    )
  );
}

/** With captures a pattern also says which source: what it captures is then part of the condition. */
function matchesWithoutCapture({ captures, match }: Builder["images"][number], name: string): boolean {
  return captures.length === 0 && match(name) !== undefined;
}

/** Everything that a signer is held to, as a text to compare. */
function conditionsOf({ path: _, images: _i, level: _l, builds: _b, ...conditions }: Builder): string {
  return JSON.stringify(conditions, (key, value: unknown) =>
    key === "name" && conditions.kind === "key" ? undefined : value,
  );
}

/** Rule R27. */
function ofRoots({ roots }: Policy, now: Date): readonly PolicyWarning[] {
  return roots.flatMap(({ path, expires }): readonly PolicyWarning[] => {
    const at = `${path}.expires`;
    if (daysLeft(expires, now) < 0) {
      const message = `expired on ${expires}: it ends no walk any more; look at the image again, and move the day only if you still trust it`;
      return [{ code: "root-expired", path: at, message }];
    }
    const when = lapsesSoon(expires, now);
    if (when === undefined) return [];
    const message = `expires ${when}: look at the image again`;
    return [{ code: "root-expires", path: at, message }];
  });
}

/** Rule R28. */
function undated({ newestRevocation, verifiers }: Policy): readonly PolicyWarning[] {
  if (newestRevocation !== "undated" || verifiers.length === 0) return [];
  const message = "as long as one of these doesn't say when it was `made`, no verifier's summary counts";
  return [{ code: "undated-revocation", path: "trust.revoked", message }];
}

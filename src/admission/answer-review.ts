import type { Digest } from "../image/digest.ts";
import { quote } from "../image/quote.ts";
import { formatReference } from "../image/reference.ts";
import type { Decision } from "./decide.ts";
import type { Review } from "./review.ts";
import type { AdmissionSettings } from "./settings.ts";
import { denial, warningsOf } from "./words.ts";

/** Longest note for the cluster's audit log, in characters. */
const MAX_AUDIT_LENGTH = 8000;

/** One step of a JSON patch (RFC 6902). */
export interface PatchStep {
  readonly op: "test" | "replace";
  readonly path: string;
  readonly value: string;
}

/** What the API server reads (AdmissionReview, version 1). */
export interface ReviewAnswer {
  readonly apiVersion: "admission.k8s.io/v1";
  readonly kind: "AdmissionReview";
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
    readonly patchType?: "JSONPatch";
    /** In base64. */
    readonly patch?: string;
    readonly warnings?: readonly string[];
    readonly auditAnnotations?: Readonly<Record<string, string>>;
  };
}

/** What an answer says beside the decision. */
export interface AnswerOptions {
  readonly policy: Digest;
  readonly settings: AdmissionSettings;
  /** Where an image's verdict is shown; undefined where there is no page. */
  readonly pageOf: (image: string) => string | undefined;
}

/** A decision in the words of the API server. */
export function answerReview(
  { uid }: Review,
  decision: Decision,
  { policy, settings, pageOf }: AnswerOptions,
): ReviewAnswer {
  const head = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" } as const;
  if (decision.kind === "unconcerned") return { ...head, response: { uid, allowed: true } };
  const allowed = decision.isAllowed;
  const steps = allowed ? patchOf(decision) : [];
  const warnings = warningsOf(decision, settings.grace);
  return {
    ...head,
    response: {
      uid,
      allowed,
      ...(!allowed && { status: { code: 403, reason: "Forbidden", message: denial(decision, pageOf) } }),
      ...(steps.length > 0 && {
        patchType: "JSONPatch",
        patch: Buffer.from(JSON.stringify(steps)).toString("base64"),
      }),
      ...(warnings.length > 0 && { warnings }),
      auditAnnotations: { policy, verdicts: audited(decision) },
    },
  };
}

/** Every tag with the digest that was judged. Each step first makes sure that there stands what was judged. */
export function patchOf(decision: Decision): readonly PatchStep[] {
  if (decision.kind !== "judged") return [];
  return decision.images.flatMap(({ place: { pointer, image }, pinned }): readonly PatchStep[] =>
    pinned === undefined || image === undefined
      ? []
      : [
          { op: "test", path: pointer, value: image },
          { op: "replace", path: pointer, value: pinned },
        ],
  );
}

function audited(decision: Exclude<Decision, { kind: "unconcerned" }>): string {
  if (decision.kind === "unclear") return decision.code;
  const all = decision.images.map(({ finding: { image, outcome, faults }, place, decision: { kind } }) => {
    const name = image === undefined ? quote(place.image ?? "no image") : formatReference(image);
    return [name, outcome, ...new Set(faults.map(({ code }) => code)), kind].join(" ");
  });
  return [...new Set(all)].join("; ").slice(0, MAX_AUDIT_LENGTH);
}

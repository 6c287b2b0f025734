import { type Decision, decide } from "../../src/admission/decide.ts";
import type { ImageJudge, ImageJudgement } from "../../src/admission/judgement.ts";
import { type Review, readReview } from "../../src/admission/review.ts";
import type { AdmissionSettings } from "../../src/admission/settings.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { formatPlatform, type Platform } from "../../src/image/platform.ts";
import { formatReference, type ImageReference, imageName, type PinnedImage } from "../../src/image/reference.ts";

/** A digest that the name stands for. */
export const digest = (name: string): Digest => digestOf(Buffer.from(name));
export const POLICY = digest("policy");
export const NOW = new Date("2026-11-28T12:00:00Z");

export const SETTINGS: AdmissionSettings = {
  undetermined: "deny",
  unknown: "deny",
  isEnforced: true,
  grace: undefined,
};

export const trusted: ImageJudgement = {
  outcome: "trusted",
  level: 2,
  policy: POLICY,
  validUntil: undefined,
  faults: [],
};

export function faulty(outcome: "untrusted" | "undetermined", code: string): ImageJudgement {
  const fault = { code, reason: `because of ${code}`, mend: "sign it", way: ["app:1", "runtime:2", "debian:12"] };
  return { ...trusted, outcome, level: 0, faults: [fault] };
}

/** Tags and verdicts, as a cluster's server would know them. What isn't named is trusted, and every tag names what its name stands for. */
export class Images implements ImageJudge {
  readonly tags = new Map<string, Digest | undefined | Error>();
  readonly verdicts = new Map<string, ImageJudgement | Error | Promise<ImageJudgement>>();
  readonly resolved: string[] = [];
  readonly judged: { readonly image: string; readonly platforms: readonly string[] | undefined }[] = [];

  async resolve(reference: ImageReference): Promise<Digest | undefined> {
    const text = formatReference(reference);
    this.resolved.push(text);
    const found = this.tags.has(text) ? this.tags.get(text) : digest(text);
    if (found instanceof Error) throw found;
    return found;
  }

  async judge(image: PinnedImage, platforms: readonly Platform[] | undefined): Promise<ImageJudgement> {
    this.judged.push({ image: formatReference(image), platforms: platforms?.map(formatPlatform) });
    const verdict = this.verdicts.get(imageName(image)) ?? this.verdicts.get(image.digest) ?? trusted;
    if (verdict instanceof Error) throw verdict;
    return verdict;
  }
}

/** What is asked about an object; its group is that of its apiVersion. */
export function reviewOf(object: object | null, given: object = {}): Review {
  return readReview(Buffer.from(JSON.stringify(reviewDocument(object, given))));
}

export function reviewDocument(object: object | null, given: object = {}): object {
  const { apiVersion = "v1", kind = "Pod" } = (object ?? {}) as {
    readonly apiVersion?: string;
    readonly kind?: string;
  };
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  const request = {
    uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
    kind: { group, version, kind },
    resource: { group, version, resource: `${kind.toLowerCase()}s` },
    name: "app",
    namespace: "shop",
    operation: "CREATE",
    userInfo: { username: "admin" },
    object,
    oldObject: null,
    dryRun: false,
    options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions" },
    ...given,
  };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
}

export function pod(...images: readonly string[]): { readonly spec: object } {
  const spec = { containers: images.map((image, i) => ({ name: `c${i}`, image, ports: [{ containerPort: 80 }] })) };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "app" }, spec } as { readonly spec: object };
}

export interface Asked {
  readonly mayPin?: boolean;
  readonly settings?: Partial<AdmissionSettings>;
  readonly deadline?: Promise<unknown>;
  readonly onFault?: (error: unknown) => void;
  readonly now?: Date;
}

export function asked(judge: ImageJudge, review: Review, given: Asked = {}): Promise<Decision> {
  const never = new Promise<never>(() => {});
  return decide({ judge, deadline: given.deadline ?? never, onFault: given.onFault ?? (() => {}) }, review, {
    mayPin: given.mayPin ?? true,
    settings: { ...SETTINGS, ...given.settings },
    now: given.now ?? NOW,
  });
}

/** Of each image what was found, its first fault, and what becomes of it. */
export function told(decision: Decision): readonly string[] {
  if (decision.kind === "unconcerned") return ["unconcerned"];
  if (decision.kind === "unclear") return [`${decision.code} ${decision.isAllowed ? "allowed" : "denied"}`];
  return decision.images.map(({ finding, decision: made }) =>
    [
      finding.outcome,
      ...finding.faults.map(({ code }) => code),
      made.kind === "let-through" ? made.by : made.kind,
    ].join(" "),
  );
}

/** Applies a patch of `test` and `replace` (RFC 6902) as an API server would. @throws an Error where a test fails or nothing is at a path. */
export function patched<T>(object: T, patch: string | undefined): T {
  const copy = structuredClone(object);
  if (patch === undefined) return copy;
  for (const { op, path, value } of JSON.parse(Buffer.from(patch, "base64").toString()) as readonly {
    readonly op: string;
    readonly path: string;
    readonly value: unknown;
  }[]) {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    const parent = keys.reduce<unknown>((from, key) => (from as Record<string, unknown>)[key], copy) as Record<
      string,
      unknown
    >;
    if (!Object.hasOwn(parent, last)) throw new Error(`nothing is at ${path}`);
    if (op === "test" && parent[last] !== value) throw new Error(`${path} is ${parent[last]}`);
    if (op === "replace") parent[last] = value;
    if (op !== "test" && op !== "replace") throw new Error(op);
  }
  return copy;
}

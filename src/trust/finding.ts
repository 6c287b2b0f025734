import type { SignerIdentity } from "../attestation/identity.ts";
import type { Digest } from "../image/digest.ts";
import type { CouldNotLookCode, RejectionCode } from "./ports.ts";

/** What was learnt of one node of the ancestry (DESIGN §4.4). */
export type Finding =
  /** Accepted provenance says how it was built, and from what. */
  | { readonly kind: "attested" }
  /** `FROM scratch`, proven: the end of the walk. */
  | { readonly kind: "scratch" }
  /** Policy names it as an end of the walk, whatever else is known of it. Never called attested. */
  | {
      readonly kind: "root";
      readonly reason: string;
      readonly expires: string;
      readonly policyPath: string;
      /** Where policy takes it from a feed: which one. */
      readonly feed?: FeedOrigin;
    }
  /** A verifier that policy names answers for it and for all below it (RULES R28). Never called attested. */
  | {
      readonly kind: "summarised";
      readonly reason: string;
      /** SLSA build level: what policy asks of the summary, which it reaches. */
      readonly level: number;
      /** Until when the summary is young enough, as an RFC 3339 time. */
      readonly until: string;
      readonly policyPath: string;
    }
  /** Policy wants this role pinned only, and it is. */
  | { readonly kind: "pinned" }
  /** Policy doesn't judge this role. */
  | { readonly kind: "allowed" }
  /** Nothing signed refers to it. */
  | { readonly kind: "unattested" }
  /** Something signed does, and none of it is accepted. */
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[] }
  /** Someone accepted vouches for it, and its parents aren't known. */
  | { readonly kind: "opaque"; readonly code: OpaqueCode; readonly reason: string }
  /** It is named, and what is named can't be found or understood. */
  | { readonly kind: "unresolved"; readonly code: UnresolvedCode; readonly reason: string }
  /** Its bytes can't be read in one way only. */
  | { readonly kind: "malformed"; readonly code: string; readonly reason: string }
  /** Accepted evidence or the bytes contradict each other. */
  | { readonly kind: "mismatch"; readonly code: MismatchCode; readonly reason: string }
  /** Its layers aren't, from the lowest on, those of the base that it claims. */
  | { readonly kind: "layers-mismatch"; readonly code: LayersCode; readonly reason: string }
  /** Its layers begin with those of a known image that its provenance doesn't name (RULES R22). */
  | { readonly kind: "undeclared-base"; readonly reason: string }
  /** Policy no longer believes it. */
  | { readonly kind: "revoked"; readonly reason: string }
  /** It claims to be built from itself. */
  | { readonly kind: "cycle"; readonly reason: string }
  /** It is beyond a limit of the walk. */
  | { readonly kind: "limit"; readonly reason: string }
  /** We could not look. The only one that leaves a verdict undetermined. */
  | { readonly kind: "unreachable"; readonly code: CouldNotLookCode; readonly reason: string };

/** The signed feed that names a root. */
export interface FeedOrigin {
  readonly url: string;
  /** SHA-256 of the feed itself. */
  readonly bundle: Digest;
  /** The digest by which it names the root: of the index where there is one. */
  readonly digest: Digest;
  /** Its publisher's name, in his own words. */
  readonly issuer: string;
  /** RFC 3339. */
  readonly issued: string;
  /** When it lapses as a whole, RFC 3339. */
  readonly expires: string;
}

/** Why parents aren't known of an image that someone accepted vouches for. */
export type OpaqueCode =
  /** No accepted statement is provenance of a kind that records images. */
  | "parents-unrecorded"
  /** In-index provenance is there, and isn't this signer's word (RULES R11). */
  | "containment"
  /** `mode=min`: the list of images alone doesn't show the base, and no layers fit (RULES R16, R18). */
  | "list-only"
  /** Not everything that went in was recorded (RULES R16, R18). */
  | "incomplete"
  /** The steps of the build don't show what the result rests on. */
  | "base-unknown"
  /** `FROM scratch` is claimed, and there are layers that no step explains (RULES R18). */
  | "unexplained-layers"
  /** A root of the policy names it, and has expired. */
  | "root-expired"
  | InputCode;

/** What went in that policy doesn't let in (RULES R20). */
export type InputCode =
  /** Content of the builder's own, which nobody else can look at. */
  | "input-local"
  /** A file from an address without a checksum, so that whoever served it chose what went in. */
  | "input-not-checked"
  /** Commands could fetch anything. */
  | "input-network"
  /** Content that earlier builds left behind. */
  | "input-cache"
  /** Commands could reach the builder itself. */
  | "input-privileged";

/** How layers contradict the claim of a base (RULES R21). */
export type LayersCode =
  /** They don't begin with the base's, and nothing explains it. */
  | "layers-mismatch"
  /** They don't, and the build was asked for something that rewrites them: nothing shows the base any more. */
  | "flattened"
  /** By the configs they do, and a layer doesn't hold what its config says. */
  | "diff-id-mismatch";

export type UnresolvedCode =
  /** The repository can be read, and doesn't hold it. */
  | "manifest-not-found"
  /** The manifest's config isn't there. */
  | "config-not-found"
  /** A layer of the image isn't there: nothing can run it from there, and nothing shows what is in it. */
  | "layer-not-found"
  /** An index without an image for the platform. */
  | "platform-not-found"
  /** An index without any image. */
  | "empty-index"
  /** The tag asked for isn't there. */
  | "tag-not-found"
  /** A dependency that can't be understood: never skipped. */
  | "dependency-not-understood"
  /** An image from a local store, which nobody else can look at. */
  | "local-image"
  /** Saved in a form without manifests, of which nothing signed can be about it. */
  | "no-manifest-digest"
  /** Policy wants it pinned, and the build request doesn't name a digest (RULES R19). */
  | "not-pinned";

export type MismatchCode =
  /** The provenance's git source isn't the certificate's (RULES R10). */
  | "source-mismatch"
  /** One reference with two digests (RULES R16, R17). */
  | "dependencies-disagree"
  /** Accepted provenances name different bases (RULES R17). */
  | "provenance-disagrees"
  /** The config's platform isn't the descriptor's (RULES R24). */
  | "platform-mismatch"
  /** Two different images for one platform in one index (RULES R24). */
  | "duplicate-platform"
  /** The image's tag isn't one that policy makes from the git tag that it was built from (RULES R26). */
  | "tag-mismatch";

/** Why something signed doesn't count. */
export type RefusalCode =
  | RejectionCode
  | "malformed-attestation"
  /** Too large to be read. */
  | "too-large"
  /** Its subject is something else (RULES R13). */
  | "subject-mismatch"
  /** A kind of statement that says nothing of how the image was built. */
  | "predicate-type"
  /** Provenance that can't be read in one way only. */
  | "malformed-provenance"
  /** Policy names nobody who may speak for this image. */
  | "no-builder"
  /** A key signed it, and policy names no key. */
  | "signer-kind"
  | "issuer"
  /** The certificate's name isn't its build signer. */
  | "signer-name"
  | "workflow"
  /** The builder's workflow is at another commit than policy pins (RULES R7). */
  | "builder-moved"
  | "source-repository"
  | "source-owner"
  /** The certificate names no whole commit. */
  | "source-commit"
  | "repository-id"
  | "owner-id"
  | "runner"
  | "event"
  | "ref"
  /** The ref is a branch, and whether it is the default branch isn't known (RULES R5). */
  | "default-branch-unknown"
  /** The run isn't one of the source repository (RULES R9). */
  | "run"
  /** Another run, or attempt, than the one that was started for this image (RULES R9). */
  | "other-run"
  /** That run built another commit than it was started for (RULES R9). */
  | "other-commit"
  /** … or another ref. */
  | "other-ref"
  /** A parameter of the build isn't policy's (RULES R9). */
  | "parameters"
  /** A parameter that this version doesn't know (RULES R9). */
  | "unknown-parameter"
  /** Policy no longer believes this signer. */
  | "revoked"
  | VsaRefusalCode;

/** Which check of a verification summary failed (RULES R28). */
export type VsaRefusalCode =
  /** It isn't of the form that SLSA gives it. */
  | "vsa-malformed"
  /** It is about the index, not about this platform's manifest. */
  | "vsa-subject"
  /** Policy names no such verifier. */
  | "vsa-verifier"
  /** The verifier is named, and somebody else signed. */
  | "vsa-signer"
  /** The verifier judged by another policy. */
  | "vsa-policy"
  /** It is about another reference. */
  | "vsa-resource"
  /** It says FAILED, or a younger one does. */
  | "vsa-result"
  /** No level of the image that is high enough. */
  | "vsa-level"
  /** No claim about the dependencies, or one of them too low. */
  | "vsa-dependencies"
  /** Nothing proves when it was made. */
  | "vsa-time"
  /** It is older than policy takes. */
  | "vsa-age"
  /** It is older than the newest revocation of the policy. */
  | "vsa-revocation";

/** Something signed that doesn't count, and which check failed. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly reason: string;
  /** Where it stands. */
  readonly where: string;
  /** SHA-256 of the bundle, where there is one. */
  readonly bundle?: Digest;
  /** The certificate's name, where the cryptography holds. */
  readonly signer?: string;
  /** The entry of the policy that it was held to, and came nearest to. */
  readonly policyPath?: string;
  /** Who signed, where policy didn't take it. */
  readonly identity?: SignerIdentity;
}

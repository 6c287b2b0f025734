import type { KeyIdentity } from "../attestation/identity.ts";
import type { Finding, Refusal } from "./finding.ts";
import { entryFor, publisherNote } from "./mend-signer.ts";
import type { Policy } from "./policy.ts";
import type { JudgedNode } from "./verdict.ts";

/** What a mend is for: a node, or what stands for one that was never reached. */
export type Mendable = Pick<JudgedNode, "finding" | "reference" | "digest" | "index"> &
  Partial<Pick<JudgedNode, "isOwn">>;

/** What a person can do about a fault, in one sentence or two; with the line of policy that would change it, where there is one. */
export function mendOf(policy: Policy, node: Mendable, refusal: Refusal | undefined): string {
  const mend = mendOfFinding(policy, node, refusal);
  if (node.isOwn || !["unattested", "refused", "opaque"].includes(node.finding.kind)) return mend;
  const note = publisherNote(policy, node.reference);
  return note === undefined ? mend : `${mend}. ${note}`;
}

function mendOfFinding(policy: Policy, node: Mendable, refusal: Refusal | undefined): string {
  const { finding } = node;
  const name = nameOf(node);
  // No root and no other signer stands for a build of one's own: what is asked of it is whether its run made it (RULES R9).
  const orRoot = node.isOwn ? "" : `; or ${asRoot(name)}`;
  switch (finding.kind) {
    case "unattested":
      if (node.isOwn) return `the build's run attached nothing to ${name}: ${ANEW}`;
      return `no attestation is attached to ${name}: rebuild it with one, take a base that has one, or, if you trust it as it is, name it in trust.roots`;
    case "refused":
      if (node.isOwn) return mendOfOwnRefusal(policy, node.reference, refusal);
      return refusal === undefined ? asRoot(name) : mendOfRefusal(policy, node.reference, refusal);
    case "opaque":
      return mendOfOpaque(finding, orRoot);
    case "unresolved":
      return mendOfUnresolved(finding, name);
    case "malformed":
      return `push ${name} again with a tool that writes what the OCI image specification says; nothing can make these bytes safe`;
    case "mismatch":
      return mendOfMismatch(finding);
    case "layers-mismatch":
      return mendOfLayers(finding);
    case "undeclared-base":
      return "find out how it came by these layers: build it FROM the image that they are of, or from what is really under it";
    case "revoked":
      return "rebuild it from what is not revoked; a root can't heal this";
    case "cycle":
      return "find out who signed these statements: no honest build can make a ring";
    case "limit":
      return `make the ancestry smaller${node.isOwn ? "" : ", or name an image on the way in trust.roots"}`;
    case "unreachable":
      return mendOfUnreachable(finding);
    case "attested":
    case "scratch":
    case "root":
    case "summarised":
    case "pinned":
    case "allowed":
      return "";
  }
}

function nameOf({ reference, digest, index }: Mendable): string {
  if (digest === undefined) return reference;
  const [name] = reference.split("@");
  return `${name}@${index ?? digest}`;
}

function asRoot(name: string): string {
  return `if you trust ${name} as it is, name it in trust.roots with a reason and an expiry`;
}

const ANEW =
  "look at the run's log; its workflow has to sign, in this very run, what it pushes (the action of this project does); then build the git tag again";

/** As for others, but where these could also accept another signer, a key or a verifier: none of them is the run. */
function mendOfOwnRefusal(policy: Policy, reference: string, refusal: Refusal | undefined): string {
  if (refusal === undefined) return `what is attached isn't of the build's run: ${ANEW}`;
  const isOfNoRun =
    refusal.code === "signer-kind" || refusal.code.startsWith("vsa-") || refusal.identity?.kind === "key";
  return isOfNoRun
    ? `what is attached isn't signed by the build's run: ${ANEW}`
    : mendOfRefusal(policy, reference, refusal);
}

function mendOfRefusal(policy: Policy, reference: string, { code, signer, identity }: Refusal): string {
  const entry = identity === undefined ? undefined : entryFor(policy, reference, identity);
  const line = entry === undefined ? "" : `: ${entry}`;
  switch (code) {
    case "no-builder": {
      const where = `trust.builders${policy.name === "default policy" ? " of a policy file (--policy FILE)" : ""}`;
      const by = signer === undefined ? "" : `; it was signed by ${signer}`;
      return entry === undefined
        ? `to accept it, add a builder for this image name to ${where}${by}`
        : `signed by ${signer}; if you know that signer and mean it, accept it by adding to ${where}${line}`;
    }
    case "issuer":
    case "signer-name":
    case "source-repository":
    case "source-owner":
    case "workflow":
    case "runner":
    case "event":
    case "ref":
    case "repository-id":
    case "owner-id":
      return `signed by ${signer ?? "somebody else"}: if that is right, say so in the builder's entry of trust.builders${line}; if not, rebuild it where policy expects`;
    case "default-branch-unknown":
      return "name the branch in refs of a policy's builder, or build from a tag";
    case "builder-moved":
      return "look at what changed in the builder's workflow, then pin its new commit in workflow-digest";
    case "subject-mismatch":
      return "attest the digest that is in the registry: what is attached is about another image";
    case "predicate-type":
      return "attach provenance (SLSA v1 or v0.2): what is attached says nothing of how the image was built";
    case "parameters":
    case "unknown-parameter":
      return "build it with the parameters that builds in the policy says, or correct those";
    case "vsa-verifier":
    case "vsa-signer":
    case "vsa-policy":
      return "attach provenance, or, if you take that verifier's word, name its id, its signer and its policy's digest together in trust.verifiers";
    case "vsa-malformed":
    case "vsa-subject":
    case "vsa-resource":
    case "vsa-dependencies":
    case "vsa-time":
      return "attach provenance, or have the verifier make a summary of this platform's manifest under this name, with dependencyLevels, timeVerified and a trusted timestamp";
    case "vsa-result":
    case "vsa-level":
      return "attach provenance: the verifier's answer isn't good enough for policy, and it is looked at here instead";
    case "vsa-age":
    case "vsa-revocation":
      return "have the verifier judge it again: its summary is older than policy takes (max-age, and made of the newest revocation)";
    case "revoked":
      return "rebuild it and have it signed anew: this signer is revoked for that time";
    case "signer-kind":
      return identity?.kind === "key"
        ? mendOfKey(identity)
        : `sign it with what policy names for this image${line === "" ? "" : `, or accept this signer in trust.builders${line}`}`;
    case "other-run":
    case "other-commit":
    case "other-ref":
      return "somebody else wrote this tag after the build, or before it: find out who may push there, and build the git tag again";
    case "run":
    case "source-commit":
      return "sign inside a run of the source repository's own workflow: this certificate isn't of one";
    case "malformed-provenance":
      return "build and attest it again with a tool that writes SLSA provenance as specified: this can be read in two ways, or in none";
    case "malformed-attestation":
    case "malformed-bundle":
    case "malformed-statement":
    case "malformed-extension":
    case "payload-type":
    case "too-large":
      return "sign and attach the attestation again: what is attached can't be read as one";
    case "signature":
    case "certificate":
    case "sct":
    case "log-entry":
    case "timestamp":
    case "key":
      if (identity?.kind === "key") return mendOfKey(identity);
      return "sign and attach the attestation again; what is there does not verify. If the signer belongs to another Sigstore, give its trusted root (--trusted-root)";
  }
}

function mendOfKey({ fingerprint }: KeyIdentity): string {
  return `signed by the key ${fingerprint}: if you know whose it is, give its PEM in an entry of trust.builders (key: { pem: … }); if not, have it signed by whom policy names`;
}

/** @param orRoot - The other way out, where a root is one. */
function mendOfOpaque({ code }: Finding & { readonly kind: "opaque" }, orRoot: string): string {
  switch (code) {
    case "parents-unrecorded":
      return `build it with BuildKit's provenance (--attest type=provenance,mode=max,version=v1) and sign that${orRoot}`;
    case "containment":
      return "sign the provenance itself, or build from the git URL at the commit with builder-id set to the run, and mark the signer with builds: true";
    case "list-only":
      return "build it with mode=max: then the provenance shows the steps, and with them the base";
    case "incomplete":
      return `build it with BuildKit from the git URL at a commit instead of a local directory: then the provenance records everything, with mode=max also the steps${orRoot}`;
    case "base-unknown":
      return "build it from a Dockerfile with mode=max, so that the steps end in a base image or in scratch";
    case "unexplained-layers":
      return "attest the image as the build made it: layers were added or rewritten that the build doesn't know";
    case "input-local":
      return "build it from the git URL at a commit instead of a local directory; or, if you trust what the builder put in, set trust.allow.local-context: true in the policy";
    case "input-not-checked":
      return "give each ADD of an address its --checksum (and build with mode=max, which shows it); or name the address in trust.allow.http-without-checksum of the policy";
    case "input-network":
      return "build it with RUN --network=none and mode=max, which shows it; or set trust.allow.network: true in the policy";
    case "input-cache":
      return "build it without cache mounts and imported caches, with mode=max, which shows it; or set trust.allow.cache: true in the policy";
    case "input-privileged":
      return "build it without RUN --security=insecure, with mode=max, which shows it; or set trust.allow.privileged: true in the policy";
    case "root-expired":
      return "look at it again; if you still trust it as it is, move its expires in trust.roots, or have the publisher of the feed in trust.roots-from name it anew";
  }
}

function mendOfLayers({ code }: Finding & { readonly kind: "layers-mismatch" }): string {
  switch (code) {
    case "layers-mismatch":
      return "rebuild it on the base that its provenance names; if a tool squashed or rewrote its layers after the build, attest the result of that step";
    case "flattened":
      return "rebuild it without what rewrites the base's layers (squash; rewrite-timestamp of BuildKit before 0.14): its own may be rewritten, the base's have to stay";
    case "diff-id-mismatch":
      return "push again what was built: its config tells of other content than its layers hold, and no honest tool writes that";
  }
}

function mendOfUnresolved({ code }: Finding & { readonly kind: "unresolved" }, name: string): string {
  switch (code) {
    case "manifest-not-found":
    case "config-not-found":
    case "layer-not-found":
      return `push ${name} to its registry again, or rebuild what was built from it`;
    case "tag-not-found":
      return "check the tag's spelling, or ask for a digest";
    case "platform-not-found":
      return "ask for a platform that the image has, or build it for this one";
    case "empty-index":
      return "push an index with at least one image";
    case "dependency-not-understood":
      return "have the builder record it as a package URL with a digest; a newer version of this program may understand it";
    case "no-manifest-digest":
      return "save it with Docker 25 or later, or as an OCI archive (buildx build -o type=oci, skopeo copy … oci-archive:FILE), and ask about that";
    case "local-image":
      return "push that image to a registry, attest it, and build from there; an image of a layout may also be named by its digest in trust.allow.layouts of the policy";
    case "not-pinned":
      return "name it with its digest (NAME@sha256:…) in the build";
  }
}

function mendOfMismatch({ code }: Finding & { readonly kind: "mismatch" }): string {
  switch (code) {
    case "source-mismatch":
      return "build from the repository and commit whose workflow signs";
    case "dependencies-disagree":
      return "pin the reference by digest, so that one build sees one image under it";
    case "provenance-disagrees":
      return "revoke the statement that is wrong";
    case "tag-mismatch":
      return "ask by digest, or push under this tag what was built from its git tag; image-tags of the policy's build says which tags those are";
    case "platform-mismatch":
    case "duplicate-platform":
      return "push the index again with one image for each platform, as its config says";
  }
}

function mendOfUnreachable({ code }: Finding & { readonly kind: "unreachable" }): string {
  switch (code) {
    case "feed-unread":
      return "ask again once the roots feed can be fetched; or name the image in trust.roots yourself";
    case "feed-refused":
      return "compare url and signer of the entry in trust.roots-from with what the feed's publisher says, and tell him; or take the entry out";
    case "no-answer":
      return "have the server judge it under this name and tag (POST /v1/images/REFERENCE/verify), and ask again; or judge it here, without --server";
    case "answer-refused":
      return "compare --server-key, --server-id and --policy with what the server's operator says; if they are right, somebody else answers in the server's place, or its answer is too old: judge it here, without --server";
    case "credentials-refused":
    case "not-found-unproven":
      return "log in to the registry (docker login) with an account that can read it";
    case "address-refused":
      return "if you mean that host, allow it with --allow-host HOST:PORT";
    case "rate-limited":
      return "wait, or log in for a higher limit, then ask again";
    case "digest-mismatch":
      return "ask again; if it stays, the registry or something before it serves wrong bytes, or the file on disk is damaged";
    case "offline":
      return "ask without --offline, or save the image whole, with its attestations (--bundles FILE) and those that it is built from";
    case "unreadable-file":
      return "see to it that the file can be read, or save it again";
    case "network":
    case "timeout":
    case "server-error":
      return "ask again once the registry answers";
  }
}

/** What a code means, for whoever meets it without the documents at hand. */
export interface CodeWords {
  readonly says: string;
  /** The rule of docs/rules.md that it breaks, where one decides. */
  readonly rule?: string;
}

const words = (says: string, rule?: string): CodeWords => ({ says, ...(rule !== undefined && { rule }) });

/** Every code that a fault can have. One that is missing here is told without help, never left out. */
const CODES: Readonly<Record<string, CodeWords>> = {
  // Nothing signed, or nothing that says what went in.
  unattested: words("Nothing signed refers to the image.", "R15"),
  refused: words("Something signed refers to the image, and none of it is accepted.", "R15"),
  "parents-unrecorded": words("This kind of provenance doesn't say which images went in.", "R18"),
  containment: words("Provenance inside the index isn't the signer's word.", "R11"),
  "list-only": words("Only a list of images is recorded, and none of them lies underneath.", "R18"),
  incomplete: words("Not everything that went into the build was recorded.", "R16"),
  "base-unknown": words("The recorded steps don't show what the image rests on.", "R18"),
  "unexplained-layers": words("The image has layers that no recorded step made.", "R18"),
  "root-expired": words("The root that policy names has lapsed.", "R27"),
  "input-local": words("Content of the builder's own went in, which policy doesn't let in.", "R20"),
  "input-not-checked": words("Content of an address went in without a checksum.", "R20"),
  "input-network": words("Commands of the build had the network, which policy doesn't let in.", "R20"),
  "input-cache": words("A build cache went in, which policy doesn't let in.", "R20"),
  "input-privileged": words("Commands ran without a sandbox, which policy doesn't let in.", "R20"),
  // Named, and not found.
  unresolved: words("It is named, and can't be found or understood.", "R16"),
  "manifest-not-found": words("The registry doesn't hold the image that is named.", "R16"),
  "config-not-found": words("The registry doesn't hold the image's config.", "R15"),
  "layer-not-found": words("The registry doesn't hold a layer of the image.", "R21"),
  "platform-not-found": words("No platform of the image is one that is asked for and counts.", "R30"),
  "empty-index": words("The index names no image.", "R18"),
  "tag-not-found": words("The repository has no such tag.", "R15"),
  "dependency-not-understood": words("Something that went in is named in a way that can't be understood.", "R16"),
  "local-image": words("The base came from a local store, which nobody else can look into.", "R16"),
  "not-pinned": words("It isn't pinned by digest, as policy wants for its role.", "R19"),
  "no-manifest-digest": words("The archive holds no manifest, and signatures are about manifests."),
  // Contradictions.
  "source-mismatch": words("It was built from another source than the certificate's.", "R10"),
  "dependencies-disagree": words("One reference stands for two digests.", "R16"),
  "provenance-disagrees": words("Two accepted statements name different bases.", "R17"),
  "platform-mismatch": words("The image is for another platform than the index says.", "R24"),
  "duplicate-platform": words("The index names one platform twice.", "R24"),
  "tag-mismatch": words("It was built from another git tag than the one that its tag is made from.", "R26"),
  "layers-mismatch": words("Its layers don't begin with those of the base that it claims.", "R21"),
  flattened: words("The build rewrote its layers, so that the base can't be found in them.", "R21"),
  "diff-id-mismatch": words("A layer doesn't hold what the config says.", "R21"),
  "undeclared-base": words("Its layers begin with those of an image that its provenance doesn't name.", "R22"),
  revoked: words("Policy no longer believes its digest, commit or signer.", "R12"),
  cycle: words("It claims to be built from itself.", "R17"),
  limit: words("It is beyond a limit of the walk.", "R24"),
  "mixed-index": words("Nothing shows that one run made all images of the index.", "R25"),
  "git-tag-moved": words("The git tag that it was built from has named another commit since.", "R26"),
  "tag-went-back": words("The tag is at an image that was signed earlier than what stood there before.", "R26"),
  // Refused by policy.
  "no-builder": words("Policy names nobody who may build this image.", "R4"),
  "signer-kind": words("It is signed by a key where policy names certificates, or the other way round.", "R4"),
  key: words("It is signed by another key than policy names.", "R4"),
  issuer: words("Another issuer vouches for the signer than policy names.", "R4"),
  "signer-name": words("Another name signed it than policy names.", "R4"),
  workflow: words("Another workflow signed it than policy names.", "R7"),
  "builder-moved": words("The builder is at another name or commit than policy names.", "R7"),
  "source-repository": words("It was built from another repository than policy names.", "R4"),
  "source-commit": words("It was built from another commit than the certificate's.", "R10"),
  "source-owner": words("Its source belongs to somebody else than the owner of its name.", "R5"),
  "repository-id": words("The repository has another number than policy names.", "R8"),
  "owner-id": words("The repository's owner has another number than policy names.", "R6"),
  runner: words("It was built on another kind of runner than policy names.", "R6"),
  event: words("The build was started by an event that policy doesn't accept.", "R6"),
  ref: words("It was built from a branch or git tag that policy doesn't accept.", "R6"),
  "default-branch-unknown": words("It could not be known whether it was built from the default branch.", "R5"),
  run: words("The certificate doesn't name the run that built it as policy wants.", "R6"),
  "other-run": words("Another run built it than the one that was started for it.", "R9"),
  "other-commit": words("It was built from another commit than the one that was asked for.", "R9"),
  "other-ref": words("It was built from another ref than the one that was asked for.", "R9"),
  parameters: words("Its signed parameters aren't those that policy asks for.", "R9"),
  "unknown-parameter": words("It was built with a parameter that policy doesn't know.", "R9"),
  // Refused for what it is.
  "subject-mismatch": words("The statement is about another image.", "R13"),
  "predicate-type": words("The statement says nothing of how the image was built.", "R17"),
  "malformed-provenance": words("The provenance can't be read.", "R23"),
  "malformed-attestation": words("The attestation can't be read.", "R23"),
  "malformed-bundle": words("The bundle can't be read.", "R23"),
  "malformed-statement": words("The statement can't be read.", "R23"),
  "malformed-extension": words("A field of the certificate can't be read.", "R6"),
  "payload-type": words("What is signed is no statement.", "R15"),
  "too-large": words("It is larger than what is read.", "R15"),
  unreadable: words("It can't be read."),
  // Verifiers' summaries.
  "vsa-malformed": words("The verifier's summary can't be read.", "R28"),
  "vsa-subject": words("The summary is about the index, not this platform's image.", "R28"),
  "vsa-verifier": words("Another verifier wrote the summary than policy names.", "R28"),
  "vsa-signer": words("Another signer signed the summary than policy names.", "R28"),
  "vsa-policy": words("The verifier judged by another policy than yours names.", "R28"),
  "vsa-resource": words("The summary is about another reference.", "R28"),
  "vsa-result": words("The summary says FAILED, or one says so since.", "R28"),
  "vsa-level": words("The summary claims a lower level than policy asks for.", "R28"),
  "vsa-dependencies": words("The summary says too little of the image's ancestors.", "R28"),
  "vsa-time": words("Nothing proves when the summary was signed.", "R28"),
  "vsa-age": words("The summary is too old.", "R28"),
  "vsa-revocation": words("The summary is older than a revocation.", "R28"),
  // Cryptography.
  signature: words("The signature doesn't verify.", "R15"),
  certificate: words("The certificate isn't one of a trusted authority, or didn't hold at that time.", "R12"),
  sct: words("Nothing proves that the certificate was published.", "R12"),
  "log-entry": words("The entry of the transparency log doesn't verify.", "R12"),
  timestamp: words("The timestamp doesn't verify.", "R12"),
  // Could not look.
  network: words("The network failed: this says nothing of the image.", "R15"),
  timeout: words("No answer came in time: this says nothing of the image.", "R15"),
  "server-error": words("The server failed: this says nothing of the image.", "R15"),
  "rate-limited": words("The server wants fewer requests: this says nothing of the image.", "R15"),
  "credentials-refused": words("The registry refuses to show it: this says nothing of the image.", "R15"),
  "not-found-unproven": words("Not found, which could be a refusal: this says nothing of the image.", "R15"),
  "address-refused": words("The address isn't public, and nobody allowed it.", "R32"),
  "feed-unread": words("A feed of roots that may name the image can't be fetched.", "R27"),
  "feed-refused": words("What is served as a feed of roots isn't its signer's newest.", "R27"),
  "no-answer": words("The server that was asked has no signed answer: this says nothing of the image.", "R28"),
  "answer-refused": words("What the server served isn't its signer's answer on the image, or is too old.", "R28"),
  "digest-mismatch": words("Other bytes came than the digest names.", "R23"),
  offline: words("It isn't on disk, and may not be fetched: this says nothing of the image."),
  "unreadable-file": words("A file on disk can't be read: this says nothing of the image."),
  // Bytes.
  "not-utf8": words("Its bytes aren't UTF-8.", "R23"),
  "not-json": words("Its bytes aren't JSON.", "R23"),
  "too-deep": words("Its JSON is nested too deeply.", "R23"),
  "too-many-parts": words("Its JSON has more parts than any honest document.", "R23"),
  "duplicate-key": words("Its JSON has a key twice, and readers would take different ones.", "R23"),
  "folded-key": words("Its JSON has a key in another case, which some readers would take.", "R23"),
  schema: words("Its JSON isn't of the form that it has to have.", "R23"),
  "mixed-manifest": words("It could be read as an image and as an index.", "R23"),
  "media-type-mismatch": words("It is called another type than it says itself.", "R23"),
  "unknown-media-type": words("It is of a type that can't be read.", "R23"),
  "counts-disagree": words("Manifest, config and history count different numbers of layers.", "R21"),
  "size-mismatch": words("It has another size than is said.", "R23"),
  "malformed-archive": words("Programs that unpack the archive would see different files."),
};

/** What a code means; undefined for one that isn't known. */
export function codeWords(code: string): CodeWords | undefined {
  return Object.hasOwn(CODES, code) ? CODES[code] : undefined;
}

/** All codes that have words. */
export const KNOWN_CODES: readonly string[] = Object.keys(CODES);

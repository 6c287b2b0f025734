import { z } from "zod";
import type { FulcioExtensions, SignerIdentity } from "../attestation/identity.ts";
import { type Digest, isDigest } from "../image/digest.ts";
import { readDocument } from "../image/json.ts";
import type { BundleVerifier } from "../trust/ports.ts";
import { FULCIO_FIELDS } from "./fulcio-extensions.ts";
import type { ProvenSignature } from "./verification.ts";
import { type LocalVerifier, reject } from "./verifier.ts";

/** Largest proof that is kept, in characters; that of an ordinary certificate has 1500. */
const MAX_PROOF_CHARACTERS = 16 * 1024;

/**
 * Where proofs outlive the process. Whoever can write there can make any bundle "verified": it must be a place whose writers are
 * trusted with verdicts anyway.
 */
export interface ProofStore {
  /** @returns undefined where nothing is kept under the key. */
  readProof(key: Digest): Promise<string | undefined>;
  keepProof(key: Digest, proof: string): Promise<void>;
}

const text = z.string().min(1);
const extensions = z.strictObject(Object.fromEntries(FULCIO_FIELDS.map((field) => [field, text.optional()])));
const proof = z.strictObject({
  key: text,
  identity: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("certificate"), issuer: text, subjectAlternativeName: text, extensions }),
    z.strictObject({ kind: z.literal("key"), fingerprint: z.string().refine(isDigest) }),
  ]),
  times: z.array(z.iso.datetime()),
  trustedRoot: text,
});

/**
 * A verifier that asks the store before it calculates, and keeps there what was proven: who signed, when and under which anchor.
 * What was signed is read from the bundle each time, and refusals aren't kept.
 *
 * A store that fails, or that has something of another form, is as good as none.
 */
export function keepingProofs(verifier: LocalVerifier, store: ProofStore | undefined): BundleVerifier {
  if (store === undefined) return verifier;
  return {
    async verifyBundle(bundle, keys) {
      let key: Digest;
      try {
        key = verifier.keyOf(bundle, keys);
      } catch (error) {
        return reject(error);
      }
      const recalled = verifier.recall(key);
      if (recalled !== undefined) return recalled;
      const kept = parseProof(await store.readProof(key).catch(() => undefined), key);
      if (kept !== undefined) return verifier.adopt(bundle, key, kept);
      const outcome = verifier.verifyBundle(bundle, keys);
      if (outcome.kind === "verified") {
        const { identity, times, trustedRoot } = outcome;
        const written = JSON.stringify({ key, identity, times, trustedRoot });
        if (written.length <= MAX_PROOF_CHARACTERS) await store.keepProof(key, written).catch(() => {});
      }
      return outcome;
    },
  };
}

/** A row that was copied to another key says so itself. */
function parseProof(written: string | undefined, key: Digest): ProvenSignature | undefined {
  if (written === undefined || written.length > MAX_PROOF_CHARACTERS) return undefined;
  try {
    const { identity, times, trustedRoot, key: own } = readDocument(proof, Buffer.from(written));
    if (own !== key) return undefined;
    return { identity: identityOf(identity), times: times.map((time) => new Date(time)), trustedRoot };
  } catch {
    return undefined;
  }
}

function identityOf(identity: z.infer<typeof proof>["identity"]): SignerIdentity {
  switch (identity.kind) {
    case "key":
      return { kind: "key", fingerprint: identity.fingerprint as Digest };
    case "certificate":
      return { ...identity, extensions: identity.extensions as FulcioExtensions };
  }
}

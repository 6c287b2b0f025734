import { generateKeyPairSync } from "node:crypto";
import type { SignerIdentity } from "../../src/attestation/identity.ts";
import { fingerprintOf } from "../../src/attestation/public-key.ts";
import { formatDockerPurl } from "../../src/attestation/purl.ts";
import { VSA_PREDICATE } from "../../src/attestation/vsa.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { type Built, bytesOf, type Json, policyOf, put, statementOf, World } from "./world.ts";

export const VERIFIER = "https://verifier.example/policies/7";
export const THEIR_POLICY = digestOf(bytesOf("their policy"));
/** One day before the time of judging. */
export const MADE = "2026-11-20T12:00:00Z";

const pemOfNewKey = () =>
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey.export({ format: "pem", type: "spki" }).toString();
const pem = pemOfNewKey();
export const theKey: SignerIdentity = { kind: "key", fingerprint: fingerprintOf(pem) };
export const anotherKey: SignerIdentity = { kind: "key", fingerprint: fingerprintOf(pemOfNewKey()) };

/** An entry of `trust.verifiers`. */
export function verifierEntry(changes: Readonly<Record<string, unknown>> = {}): string {
  const entry = {
    id: VERIFIER,
    key: { pem },
    policy: THEIR_POLICY,
    "max-age": "30d",
    minimum: "SLSA_BUILD_LEVEL_2",
    ...changes,
  };
  return JSON.stringify(Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)));
}

/** The policy of these worlds, with verifiers; `more` are lines below `trust:`. */
export function policyWith(entries: readonly string[] = [verifierEntry()], more = ""): Policy {
  return policyOf({ trust: `  verifiers: [${entries.join(", ")}]\n${more}` });
}

/** How a summary differs from one that is accepted. */
export interface SummaryOptions {
  readonly edit?: (predicate: Json) => void;
  readonly subjects?: Parameters<typeof statementOf>[0];
  readonly by?: SignerIdentity;
  readonly times?: readonly Date[];
}

/** What a verifier says of an image, at build level 3 and on two dependencies. */
export function summaryOf(image: Built): Json {
  const { registry, repository, digest } = image.image;
  return {
    verifier: { id: VERIFIER, version: { verifier: "1.0.0" } },
    timeVerified: MADE,
    resourceUri: formatDockerPurl({ registry, repository, tag: "1.0.0", digest }, image.platform),
    policy: { uri: "https://verifier.example/policies/7.yml", digest: { sha256: hexOf(THEIR_POLICY) } },
    inputAttestations: [{ uri: "oci://ghcr.io/acme/app", digest: { sha256: "0".repeat(64) } }],
    verificationResult: "PASSED",
    verifiedLevels: ["SLSA_BUILD_LEVEL_3"],
    dependencyLevels: { SLSA_BUILD_LEVEL_3: 1, SLSA_BUILD_LEVEL_2: 1 },
    slsaVersion: "1.2",
  };
}

/** Posts a summary beside the image's platform manifest. */
export function summarised(
  world: World,
  image: Built,
  { edit, subjects = [image.manifest], by = theKey, times = [new Date(MADE)] }: SummaryOptions = {},
): void {
  const predicate = summaryOf(image);
  edit?.(predicate);
  world.sign(image.manifest, statementOf(subjects, VSA_PREDICATE, predicate), by, times);
}

/** An app on a base of which nothing is attested but what a verifier says. */
export function appOnBase(options?: SummaryOptions | "nothing"): { world: World; base: Built; app: Built } {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const app = world.build("app", { base });
  if (options !== "nothing") summarised(world, base, options);
  return { world, base, app };
}

/** Changes one field of a predicate. */
export function set(path: string, value: Json | undefined): (predicate: Json) => void {
  return (predicate) => put(predicate, path, value);
}

import { z } from "zod";
import { JsonError, readValue } from "../image/json.ts";
import type { Statement, Subject } from "./statement.ts";

/** What a verification summary is told by. */
export const VSA_PREDICATE = "https://slsa.dev/verification_summary/v1";

/** The specification that our own summaries are written by. */
const SLSA_VERSION = "1.2";

/** Most levels, and most attestations, that a summary names. */
const MAX_ENTRIES = 10_000;

/** A verifier's answer about an artifact: SLSA's Verification Summary Attestation. Someone's claim until policy accepts the someone. */
export interface VerificationSummary {
  readonly verifier: { readonly id: string; readonly version?: Readonly<Record<string, string>> };
  /** When the verifier says that it looked; signed, and so out of reach for whoever timestamps the signature anew. */
  readonly timeVerified: Date | undefined;
  /** Where the artifact is expected to be fetched from. */
  readonly resourceUri: string;
  readonly policy: { readonly uri: string; readonly digest: Readonly<Record<string, string>> };
  /** Every attestation that was used, or none of them. */
  readonly inputAttestations: readonly ResourceDescriptor[];
  readonly verificationResult: "PASSED" | "FAILED";
  /** As written: levels of tracks, `FAILED`, or the verifier's own. */
  readonly verifiedLevels: readonly string[];
  /** How many transitive dependencies there are at each level; undefined: nothing is said of them. Empty: there are none. */
  readonly dependencyLevels: Readonly<Record<string, number>> | undefined;
}

/** A document by address and digest. */
export interface ResourceDescriptor {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** The statement is no verification summary that could be understood. */
export class VsaError extends Error {
  readonly code = "malformed-vsa";
  constructor(reason: string, options?: ErrorOptions) {
    super(`read a verification summary: ${reason}`, options);
    this.name = "VsaError";
  }
}

const digestSet = z.record(z.string(), z.string());
const uri = z.string().min(1).max(4096);
const level = z.string().min(1).max(256);

// Null, unset and empty are equal (SLSA v1.2, "parsing rules"), but for dependencyLevels, where empty says more than unset.
const predicateSchema = z.object({
  verifier: z.object({ id: uri, version: z.record(z.string(), z.string()).nullish() }),
  timeVerified: z.iso.datetime({ offset: true }).nullish(),
  resourceUri: uri,
  policy: z.object({ uri: z.string().nullish(), digest: digestSet.nullish() }),
  inputAttestations: z
    .array(z.object({ uri: z.string().nullish(), digest: digestSet.nullish() }))
    .max(MAX_ENTRIES)
    .nullish(),
  verificationResult: z.enum(["PASSED", "FAILED"]),
  verifiedLevels: z.array(level).max(MAX_ENTRIES).nullish(),
  dependencyLevels: z.record(level, z.int().nonnegative()).nullish(),
  slsaVersion: z.string().nullish(),
});

/**
 * Reads the predicate of a verification summary. Unknown fields are ignored, as SLSA asks for; known ones in another case are refused
 * (RULES R23).
 *
 * @throws {VsaError} and nothing else.
 * @see SLSA v1.2, Verification Summary Attestation
 */
export function parseVsa({ predicate }: Pick<Statement, "predicate">): VerificationSummary {
  try {
    const read = readValue(predicateSchema, predicate);
    const { verifier, timeVerified, policy } = read;
    return {
      verifier: { id: verifier.id, ...(verifier.version && { version: verifier.version }) },
      timeVerified: timeVerified == null ? undefined : new Date(timeVerified),
      resourceUri: read.resourceUri,
      policy: { uri: policy.uri ?? "", digest: policy.digest ?? {} },
      inputAttestations: (read.inputAttestations ?? []).map((each) => ({
        uri: each.uri ?? "",
        digest: each.digest ?? {},
      })),
      verificationResult: read.verificationResult,
      verifiedLevels: read.verifiedLevels ?? [],
      dependencyLevels: read.dependencyLevels ?? undefined,
    };
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new VsaError(cause.message, { cause });
  }
}

/** The text of a level of SLSA's build track. */
export function buildLevelText(level: number): string {
  return `SLSA_BUILD_LEVEL_${level}`;
}

/** The number of a level of SLSA's build track, 0 to 3; undefined for every other text, those that only look like one included. */
export function buildLevelOf(text: string): number | undefined {
  const [, digit] = /^SLSA_BUILD_LEVEL_([0-3])$/.exec(text) ?? [];
  return digit === undefined ? undefined : Number(digit);
}

/** The track of a level that begins as SLSA's do; undefined for the verifier's own levels, and for `FAILED`. */
export function trackOf(text: string): string | undefined {
  return text.startsWith("SLSA_") ? (/^SLSA_([A-Z0-9]+)_LEVEL_/.exec(text)?.[1] ?? text) : undefined;
}

/** Counts at the level of what wasn't looked at. */
export const UNEVALUATED = "SLSA_BUILD_LEVEL_UNEVALUATED";

/**
 * Writes a summary as an in-toto statement: fields of the specification and no others (RULES R28). A field of ours under SLSA's type would
 * be a claim that no other reader knows to doubt.
 */
export function writeVsa(summary: VerificationSummary, subject: readonly Subject[]): Uint8Array {
  const { verifier, timeVerified, resourceUri, policy, inputAttestations } = summary;
  const predicate: Readonly<Record<keyof z.input<typeof predicateSchema>, unknown>> = {
    verifier,
    timeVerified: timeVerified?.toISOString(),
    resourceUri,
    policy,
    inputAttestations,
    verificationResult: summary.verificationResult,
    verifiedLevels: summary.verifiedLevels,
    dependencyLevels: summary.dependencyLevels,
    slsaVersion: SLSA_VERSION,
  };
  const statement = { _type: "https://in-toto.io/Statement/v1", subject, predicateType: VSA_PREDICATE, predicate };
  return new TextEncoder().encode(JSON.stringify(statement));
}

import pLimit, { type LimitFunction } from "p-limit";
import type { UnsignedStatement } from "../attestation/artifact.ts";
import type { SignerKey } from "../attestation/public-key.ts";
import { parseStatement, type Statement, StatementError, subjectCovers } from "../attestation/statement.ts";
import { weightOf } from "../attestation/statement-weight.ts";
import { digestOf, hexOf } from "../image/digest.ts";
import type { PinnedImage } from "../image/reference.ts";
import type { Refusal } from "./finding.ts";
import {
  type AttestationCandidate,
  type AttestationSource,
  BeyondLimit,
  type BundleVerifier,
  CouldNotLook,
  type VerifiedStatement,
} from "./ports.ts";

/** How many attestations are read side by side; each may have 64 MiB. */
export const MAX_READS = 8;

/**
 * What verified statements may weigh that are kept, beside one digest and in a whole walk, by {@link weightOf}: some 250 MB and 1 GB. Who
 * may sign anything can sign two hundred statements as large as may be.
 */
const MAX_WEIGHT = { digest: 2_000_000, walk: 8_000_000 };

/** What one walk reads of attestations, and keeps. */
export interface Reading {
  readonly limit: LimitFunction;
  /** What may be kept beside one digest. */
  readonly weight: number;
  /** What may still be kept in the whole walk. */
  left: number;
}

/** The reading of one walk: all of it shares what may be read side by side, and be kept. */
export function openReading({ digest, walk } = MAX_WEIGHT): Reading {
  return { limit: pLimit(MAX_READS), weight: digest, left: walk };
}

/** Takes a statement into what the walk keeps. @returns false where that would be too much. */
export function keepsStatement(reading: Reading, statement: Statement): boolean {
  const weight = weightOf(statement);
  if (weight > reading.left) return false;
  reading.left -= weight;
  return true;
}

/** What stands beside a digest, after the cryptography and before policy. */
export interface Evidence {
  readonly statements: readonly FoundStatement[];
  /** Statements without a signature, in manifests that refer to the image: nothing, unless such a manifest is signed (RULES R11). */
  readonly unsigned: readonly FoundUnsigned[];
  readonly refusals: readonly Refusal[];
  /** Places and candidates that could not be looked at; they matter only where nothing sufficient was found (RULES R15). */
  readonly failures: readonly CouldNotLook[];
  /** Candidates beyond the limit for one digest, or beyond what may be kept. */
  readonly omitted: number;
}

/** A verified statement, and where it stood. */
export interface FoundStatement {
  readonly where: string;
  readonly verified: VerifiedStatement;
}

/** A statement that nobody signed, the manifest that holds it, and where it stood. */
export interface FoundUnsigned {
  readonly where: string;
  readonly manifest: PinnedImage;
  readonly layer: UnsignedStatement["layer"];
  /** That it is there unsigned is no reason to refuse anything. */
  readonly isRoutine: boolean;
}

/**
 * Reads and verifies all that refers to a digest. Anyone may have put it there: junk is refused one by one, and hides nothing
 * (RULES R15).
 *
 * @param keys - Those that the asker's policy names.
 * @param reading - Shared by all of one walk.
 */
export async function gatherEvidence(
  source: AttestationSource,
  verifier: BundleVerifier,
  image: PinnedImage,
  keys: readonly SignerKey[],
  reading: Reading = openReading(),
): Promise<Evidence> {
  const { candidates, omitted, failures } = await source.listAttestations(image);
  let left = reading.weight;
  let beyond = 0;
  const seen = new Set<string>();
  const keep = (read: ReadCandidate): ReadCandidate => {
    // The same bundle stands in several places as a rule (API, fallback tag): it is one statement.
    const statements = read.statements.filter(
      ({ verified }) => !seen.has(verified.bundle) && seen.add(verified.bundle),
    );
    const weight = statements.reduce((sum, { verified }) => sum + weightOf(verified.statement), 0);
    if (weight > Math.min(left, reading.left)) {
      beyond++;
      return NOTHING;
    }
    left -= weight;
    reading.left -= weight;
    return { ...read, statements };
  };
  let before: Promise<unknown> = Promise.resolve();
  const read = await Promise.all(
    candidates.map((candidate) => {
      const turn = before;
      // What is kept goes by their order, the likeliest first, and not by who answers first. Each waits for those that began before it.
      const one = reading.limit(async () => {
        const read = await readCandidate(candidate, verifier, keys);
        await turn;
        return keep(read);
      });
      before = one.catch(() => {});
      return one;
    }),
  );
  return {
    statements: read.flatMap(({ statements }) => statements),
    unsigned: read.flatMap(({ unsigned }) => unsigned),
    refusals: read.flatMap(({ refusals }) => refusals),
    failures: [...failures, ...read.flatMap(({ failure }) => failure ?? [])],
    omitted: omitted + beyond,
  };
}

interface ReadCandidate {
  readonly statements: readonly FoundStatement[];
  readonly unsigned: readonly FoundUnsigned[];
  readonly refusals: readonly Refusal[];
  readonly failure?: CouldNotLook;
}

const NOTHING: ReadCandidate = { statements: [], unsigned: [], refusals: [] };

async function readCandidate(
  candidate: AttestationCandidate,
  verifier: BundleVerifier,
  keys: readonly SignerKey[],
): Promise<ReadCandidate> {
  const { where } = candidate;
  try {
    const statements: FoundStatement[] = [];
    const unsigned: FoundUnsigned[] = [];
    const refusals: Refusal[] = [];
    for (const item of await candidate.read()) {
      if (item.kind === "malformed") {
        refusals.push({ code: "malformed-attestation", reason: item.reason, where });
        continue;
      }
      if (item.kind === "unsigned") {
        const { manifest, layer, isRoutine = false } = item;
        if (manifest !== undefined) unsigned.push({ where, manifest, layer, isRoutine });
        else refusals.push({ code: "malformed-attestation", reason: "it is an unsigned statement", where });
        continue;
      }
      const verified = await verifier.verifyBundle(item, keys);
      if (verified.kind === "verified") statements.push({ where, verified });
      else refusals.push({ code: verified.code, reason: verified.reason, where, bundle: item.digest });
    }
    return { statements, unsigned, refusals };
  } catch (error) {
    if (error instanceof CouldNotLook) return { ...NOTHING, failure: error };
    if (error instanceof BeyondLimit)
      return { ...NOTHING, refusals: [{ code: "too-large", reason: error.message, where }] };
    throw error;
  }
}

/** Whether a subject of the statement is these very bytes, by every digest of it that can be computed (RULES R13). */
export function isAbout(statement: Statement, bytes: Uint8Array): boolean {
  return subjectCovers(statement, (algorithm) => hexOf(digestOf(bytes, algorithm)));
}

/** A statement inside an index. Unsigned: what it is worth depends on who signed what encloses it. */
export function parseContainedStatement(bytes: Uint8Array): Statement | undefined {
  try {
    return parseStatement(bytes);
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

import { writeFile } from "node:fs/promises";
import manifest from "../../package.json" with { type: "json" };
import { MAX_EVIDENCE_BYTES, writeEvidence } from "../archive/evidence-file.ts";
import { formatReference } from "../image/reference.ts";
import { verdictDocument } from "../report/json.ts";
import { printable } from "../report/printable.ts";
import { resultDigest } from "../report/result-digest.ts";
import { type ExportedEvidence, type ExportedImage, MAX_EXPORTED_IMAGES } from "../trust/exported-evidence.ts";
import { GITHUB_COM } from "../trust/policy.ts";
import { defaultPolicy } from "../trust/policy-default.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { type ByteStore, createByteStore, RecordTooLarge } from "../trust/recording.ts";
import { type ExitCode, exitCodeOf, UsageError, worstExit } from "./exit-code.ts";
import { parseAsked } from "./subject.ts";
import { openWalks, type RecordedVerdict, type Surroundings, type WalkSettings, type Walks } from "./walk.ts";

/** What `export` was asked. */
export interface ExportArguments extends WalkSettings {
  readonly images: readonly string[];
  readonly file: string;
}

/**
 * Judges images one after the other, and writes all that the verdicts rest on into one file, whatever the verdicts are: also that
 * something is wrong, or couldn't be looked at, is to be shown.
 *
 * @throws {UsageError} @throws {PolicyError} for what the person has to mend.
 */
export async function exportCommand(args: ExportArguments, surroundings: Surroundings): Promise<ExitCode> {
  const { images, file, platform } = args;
  if (images.length > MAX_EXPORTED_IMAGES)
    throw new UsageError(`export: ${images.length} images, and one file holds ${MAX_EXPORTED_IMAGES}`);
  const asked = images.map((image) => parseAsked(image, images.length === 1 ? args.as : undefined));
  if (images.length > 1 && args.as !== undefined) throw new UsageError("--as names one image: export it alone");
  const walks = await openWalks(args, surroundings);
  const store = createByteStore(MAX_EVIDENCE_BYTES);
  const exported: ExportedImage[] = [];
  const codes: ExitCode[] = [];
  try {
    for (const image of asked) {
      const told = await walks.record(image, store);
      const entry = entryOf(told, walks, platform, store);
      if (exported.some(({ reference, platform }) => reference === entry.reference && platform === entry.platform))
        throw new UsageError(`export: ${entry.reference} is named twice`);
      exported.push(entry);
      codes.push(exitCodeOf(told.verdict));
    }
    const document: ExportedEvidence = { version: 1, program: manifest.version, images: exported };
    const { digest, bytes } = writeEvidence(Buffer.from(JSON.stringify(document)), store.bytes);
    await save(file, bytes);
    for (const { reference, outcome, result } of exported)
      surroundings.stdout.write(`${outcome}  ${result}  ${printable(reference)}\n`);
    surroundings.stdout.write(`evidence  ${digest}  ${printable(file)}\n`);
    return worstExit(codes);
  } catch (error) {
    if (error instanceof RecordTooLarge || error instanceof BeyondLimit)
      throw new UsageError(`${error.message}; export fewer images at a time`, { cause: error });
    throw error;
  }
}

function entryOf(
  { reference, verdict, record }: RecordedVerdict,
  { policy, policyBytes, roots }: Walks,
  platform: string | undefined,
  store: ByteStore,
): ExportedImage {
  return {
    reference: formatReference(reference),
    platform: platform ?? null,
    asOf: verdict.asOf.toISOString(),
    policy: {
      name: policy.name,
      blob: store.keep(policyBytes),
      server: GITHUB_COM.server,
      isDefault: policy === defaultPolicy,
    },
    trustedRoots: roots.map(({ name, bytes }) => ({ name, blob: store.keep(bytes) })),
    outcome: verdict.outcome,
    result: resultDigest(verdictDocument(verdict)),
    record,
  };
}

async function save(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (error) {
    throw new UsageError(`write evidence ${path}: ${(error as Error).message}`, { cause: error });
  }
}

import { UsageError } from "./exit-code.ts";
import type { VerifyArguments } from "./verify.ts";
import type { EvidenceArguments } from "./verify-evidence.ts";
import type { WalkSettings } from "./walk.ts";
import { type WalkOptions, walkSettings } from "./walk-options.ts";

/** What commander makes of the options of `verify`. */
export type VerifyOptions = WalkOptions &
  Omit<VerifyArguments, keyof WalkSettings | "images"> & {
    readonly evidence?: string;
    readonly evidenceRoots?: boolean;
  };

/** Options of `verify` that say where to look, or what to sign: a file of evidence is looked into and nothing else. */
const NOT_WITH_EVIDENCE = {
  imagesFrom: "--images-from",
  refreshRoots: "--refresh-roots",
  allowHost: "--allow-host",
  as: "--as",
  bundles: "--bundles",
  vsa: "--vsa",
  vsaKey: "--vsa-key",
  vsaId: "--vsa-id",
  vsaTsa: "--vsa-tsa",
  server: "--server",
  serverKey: "--server-key",
  serverId: "--server-id",
  maxAge: "--max-age",
  minimumLevel: "--minimum-level",
} as const satisfies Partial<Record<keyof VerifyOptions, string>>;

/** The arguments of a `verify` that asks the world. @throws {UsageError} */
export function worldArguments(images: readonly string[], options: VerifyOptions): VerifyArguments {
  const { evidence, evidenceRoots, ...rest } = options;
  if (evidenceRoots === true)
    throw new UsageError("--evidence-roots says something of --evidence FILE, and none is given");
  return { ...rest, ...walkSettings(rest), images };
}

/** The arguments of a `verify --evidence`. @throws {UsageError} */
export function evidenceArguments(
  images: readonly string[],
  options: VerifyOptions & { readonly evidence: string },
): EvidenceArguments {
  for (const [name, option] of Object.entries(NOT_WITH_EVIDENCE)) {
    if (Object.hasOwn(options, name)) throw new UsageError(`${option} and --evidence: one or the other`);
  }
  const { evidence, evidenceRoots, platform, policy, trustedRoot = [], output, quiet } = options;
  if (output !== "text" && output !== "json")
    throw new UsageError(`--output ${output} and --evidence: evidence is told as text or json`);
  return {
    evidence,
    images,
    ...(policy !== undefined && { policy }),
    ...(platform !== undefined && { platform }),
    ...(evidenceRoots !== undefined && { evidenceRoots }),
    ...(quiet !== undefined && { quiet }),
    trustedRoot,
    output,
  };
}

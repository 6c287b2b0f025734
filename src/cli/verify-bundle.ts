import { readFile, stat } from "node:fs/promises";
import { parseBundle, type UnverifiedBundle } from "../attestation/bundle.ts";
import type { SignerIdentity } from "../attestation/identity.ts";
import { isDigest } from "../image/digest.ts";
import { type Artifact, verifyArtifact } from "../sigstore/artifact.ts";
import { parseTrustedKey, type TrustedKey } from "../sigstore/trusted-key.ts";
import { parseTrustedRoot, shippedTrustedRoots, type TrustedRootProfile } from "../sigstore/trusted-root.ts";
import type { ExitCode } from "./exit-code.ts";

/** The command's arguments, as the client protocol of sigstore-conformance names them. */
export interface VerifyBundleArguments {
  /** Path of the bundle. */
  readonly bundle: string;
  /** The whole subject alternative name, never a pattern. */
  readonly certificateIdentity?: string;
  /** The whole issuer. */
  readonly certificateOidcIssuer?: string;
  /** Path of a public key in PEM; with it there is no identity to compare. */
  readonly key?: string;
  /** Path; without it the roots that come with the program. */
  readonly trustedRoot?: string;
  /** Path of a file, or `sha256:` and its digest where no file has that name. */
  readonly artifact: string;
}

/** Where the command writes. */
export interface VerifyBundleStreams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** Who has to have signed. */
type Expectation =
  | { readonly kind: "certificate"; readonly identity: string; readonly issuer: string }
  | { readonly kind: "key"; readonly key: TrustedKey };

/** The key given is none that could have signed: a rejection in the client protocol, which knows keys that don't fit as a case. */
class UnfitKey extends Error {}

/** What was asked cannot be answered as it was asked: exit code 2, which says nothing of the bundle. */
class UsageError extends Error {}

/** Exit codes of the client protocol. */
const EXIT = { accepted: 0, rejected: 1, usage: 2 } as const;

/**
 * Verifies one bundle against one artifact and one identity or key.
 *
 * @returns the exit code: 0 accepted, 1 rejected with the reason on stderr, 2 where it could not be decided (arguments, or a file
 * other than the bundle that can't be read).
 * @see sigstore-conformance docs/cli_protocol.md
 */
export async function verifyBundleCommand(args: VerifyBundleArguments, io: VerifyBundleStreams): Promise<ExitCode> {
  try {
    const expected = await readExpectation(args);
    const roots = await readRoots(args.trustedRoot);
    const artifact = await readArtifact(args.artifact);
    const fault = judge(await readBytes("bundle", args.bundle), args, { expected, roots, artifact });
    if (fault === undefined) {
      io.stdout.write(`accepted: ${printable(args.bundle)} signs ${printable(args.artifact)}\n`);
      return EXIT.accepted;
    }
    io.stderr.write(
      `rejected: verified bundle ${printable(args.bundle)} for ${printable(args.artifact)}: ${printable(fault)}\n`,
    );
    return EXIT.rejected;
  } catch (error) {
    if (error instanceof UnfitKey) {
      io.stderr.write(`rejected: ${printable(error.message)}\n`);
      return EXIT.rejected;
    }
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`error: ${printable(error.message)}\n`);
    return EXIT.usage;
  }
}

/** @returns what is wrong, or undefined where nothing is. */
function judge(
  bytes: Uint8Array,
  args: VerifyBundleArguments,
  given: { readonly expected: Expectation; readonly roots: readonly TrustedRootProfile[]; readonly artifact: Artifact },
): string | undefined {
  const { expected, roots, artifact } = given;
  let bundle: UnverifiedBundle;
  try {
    bundle = parseBundle(bytes);
  } catch (error) {
    return `malformed-bundle: ${messageOf(error)}`;
  }
  const keys = expected.kind === "key" ? [expected.key] : [];
  const outcome = verifyArtifact(bundle, artifact, { roots, keys });
  switch (outcome.kind) {
    case "bytes-needed":
      throw new UsageError(`verified bundle ${args.bundle} for ${args.artifact}: ${outcome.reason}`);
    case "rejected":
      return `${outcome.code}: ${outcome.reason}`;
    case "verified":
      return compareIdentity(outcome.identity, expected);
  }
}

/** Exactly: a pattern here would accept look-alikes of the name that someone meant. */
function compareIdentity(found: SignerIdentity, expected: Expectation): string | undefined {
  if (expected.kind === "key") {
    return found.kind === "key" && found.fingerprint === expected.key.fingerprint
      ? undefined
      : `key: the bundle is signed by ${found.kind === "key" ? found.fingerprint : "a certificate"}, not by ${expected.key.name}`;
  }
  if (found.kind !== "certificate")
    return "identity: the bundle is signed by a key, and an identity was asked for; give --key";
  if (found.subjectAlternativeName !== expected.identity) {
    return `identity: signed by ${found.subjectAlternativeName}, not by ${expected.identity}`;
  }
  if (found.issuer !== expected.issuer) return `identity: vouched for by ${found.issuer}, not by ${expected.issuer}`;
  return undefined;
}

async function readExpectation(args: VerifyBundleArguments): Promise<Expectation> {
  const { certificateIdentity: identity, certificateOidcIssuer: issuer, key } = args;
  if (key !== undefined) {
    if (identity !== undefined || issuer !== undefined) {
      throw new UsageError("--key was given with an identity: a key has none; give one or the other");
    }
    const bytes = await readBytes("key", key);
    // What the trusted root asks of everyone, an entry in its log, it asks here too.
    return { kind: "key", key: readKey(bytes, key) };
  }
  if (identity === undefined || identity === "" || issuer === undefined || issuer === "") {
    throw new UsageError(
      "nobody to compare the signer with; give --certificate-identity and --certificate-oidc-issuer, or --key",
    );
  }
  return { kind: "certificate", identity, issuer };
}

function readKey(bytes: Uint8Array, path: string): TrustedKey {
  try {
    return parseTrustedKey(Buffer.from(bytes).toString("utf8"), path, "required");
  } catch (cause) {
    throw new UnfitKey(messageOf(cause), { cause });
  }
}

async function readRoots(path: string | undefined): Promise<readonly TrustedRootProfile[]> {
  if (path === undefined) return asUsage(shippedTrustedRoots);
  const bytes = await readBytes("trusted root", path);
  return [asUsage(() => parseTrustedRoot(bytes, path))];
}

async function readArtifact(text: string): Promise<Artifact> {
  if (isDigest(text) && text.startsWith("sha256:") && !(await exists(text))) return { kind: "digest", digest: text };
  return { kind: "bytes", bytes: await readBytes("artifact", text) };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readBytes(what: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UsageError(`read ${what} ${path}: ${messageOf(cause)}; give a file that can be read`, { cause });
  }
}

function asUsage<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Names out of bundles and certificates must not move a terminal's cursor, or begin a line of their own. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}").slice(0, 2000);
}

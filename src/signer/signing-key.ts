import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Digest, digestOf } from "../image/digest.ts";

/** The key can't be used to sign summaries. The message never has anything of it. */
export class SigningKeyError extends Error {
  readonly code = "malformed-signing-key";
}

/** A private key, and what may be known of it. The private half is for the signer alone (RULES R33). */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicHalf;
}

/** What others verify with. */
export interface PublicHalf {
  readonly pem: string;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly fingerprint: Digest;
}

/**
 * Reads a private key in PEM: P-256, which every verifier of bundles knows with SHA-256.
 *
 * @param name - Where it came from; the key itself never stands in a message.
 * @throws {SigningKeyError}
 */
export function parseSigningKey(pem: string, name: string): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new SigningKeyError(
      `read the signing key ${name}: no private key in PEM without a password; make one with openssl genpkey`,
    );
  }
  if (privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw new SigningKeyError(
      `read the signing key ${name}: not an EC key on P-256; make one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`,
    );
  return withPublicHalf(privateKey);
}

/**
 * The key in a file, made if it isn't there. Of several that start at once each gets the one that was there first.
 *
 * @throws {SigningKeyError} where what stands there is none.
 */
export async function keptSigningKey(path: string): Promise<SigningKey> {
  try {
    return parseSigningKey(await readFile(path, "utf8"), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${randomUUID()}.new`;
  const file = await open(unfinished, "wx", 0o600);
  try {
    await file.writeFile(privateKey.export({ format: "pem", type: "pkcs8" }));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // Whole or not at all, and never over one that is there: what it has signed must stay verifiable.
    await link(unfinished, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
  return parseSigningKey(await readFile(path, "utf8"), path);
}

function withPublicHalf(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  return {
    privateKey,
    publicKey: {
      pem: publicKey.export({ format: "pem", type: "spki" }).toString(),
      fingerprint: digestOf(publicKey.export({ format: "der", type: "spki" })),
    },
  };
}

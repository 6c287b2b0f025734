import { bundleToJSON, type SerializedBundle } from "@sigstore/bundle";
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness, type Witness } from "@sigstore/sign";
import type { SigningServices } from "./inputs.ts";

const IN_TOTO = "application/vnd.in-toto+json";

/** How long one request to a service of Sigstore may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** How often a request that failed for a passing reason is sent again. */
const RETRIES = 3;

/** A statement could not be signed. */
export class SigningError extends Error {
  readonly code = "signing-failed";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SigningError";
  }
}

/**
 * Signs an in-toto statement as the job: a certificate of Fulcio for a key that is used once, and proofs of when.
 *
 * @param payload - The statement, signed as it stands.
 * @param token - Fetches a fresh identity token.
 * @throws {SigningError} naming the service that failed.
 */
export async function signStatement(
  payload: Uint8Array,
  services: SigningServices,
  token: () => Promise<string>,
): Promise<SerializedBundle> {
  const { fulcioUrl, rekorUrl, rekorVersion, tsaUrl } = services;
  const patience = { timeout: TIMEOUT_MS, retry: RETRIES };
  const witnesses: Witness[] = [
    new RekorWitness({ rekorBaseURL: rekorUrl, majorApiVersion: rekorVersion, ...patience }),
    ...(tsaUrl === undefined ? [] : [new TSAWitness({ tsaBaseURL: tsaUrl, ...patience })]),
  ];
  const identityProvider = { getToken: token };
  const signer = new FulcioSigner({ fulcioBaseURL: fulcioUrl, identityProvider, ...patience });
  try {
    const builder = new DSSEBundleBuilder({ signer, witnesses });
    return bundleToJSON(await builder.create({ data: Buffer.from(payload), type: IN_TOTO }));
  } catch (cause) {
    throw explained(cause, services);
  }
}

/** Which service it was, by the library's code: its own message doesn't name the address. */
function explained(error: unknown, { fulcioUrl, rekorUrl, tsaUrl }: SigningServices): Error {
  const { code = "", message, cause } = error as { code?: string; message: string; cause?: Error };
  const reason = cause === undefined ? message : `${message}: ${cause.message}`;
  switch (code) {
    case "IDENTITY_TOKEN_READ_ERROR":
      return cause ?? new SigningError(message);
    case "CA_CREATE_SIGNING_CERTIFICATE_ERROR":
      return new SigningError(
        `ask ${fulcioUrl} for a certificate: ${reason}; does it know the token issuer of this GitHub server?`,
        { cause: error },
      );
    case "TLOG_CREATE_ENTRY_ERROR":
    case "TLOG_FETCH_ENTRY_ERROR":
      return new SigningError(`write to the log ${rekorUrl}: ${reason}; try again later`, { cause: error });
    case "TSA_CREATE_TIMESTAMP_ERROR":
      return new SigningError(`ask ${tsaUrl} for a timestamp: ${reason}; try again later`, { cause: error });
    default:
      return new SigningError(`sign the statement: ${reason}`, { cause: error });
  }
}

import { z } from "zod";
import { isDigest } from "../image/digest.ts";
import { JsonError, parseJson } from "../image/json.ts";
import type { Statement } from "./statement.ts";
import { StatementError } from "./statement.ts";

/** The media type of a simple-signing payload that cosign signed. */
export const SIMPLE_SIGNING_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** What cosign signs when it is asked for a signature and no more: it says "I publish this". */
export const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";

/** Largest payload that is read, in bytes: they name one digest, and whatever `optional` holds. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** What the payload calls itself. Red Hat's signatures are of another type, and are made with GPG. */
const COSIGN_TYPE = "cosign container image signature";

const payloadSchema = z.object({
  critical: z.object({
    image: z.object({ "docker-manifest-digest": z.string() }),
    type: z.string(),
  }),
});

/**
 * Reads what a signature of cosign before version 3 is over, as the statement that says the same: this digest is signed. So it
 * counts where a signature in a bundle counts, and says nothing of how the image was built.
 *
 * The specification's example writes `Docker-manifest-digest`, cosign's code lower case, and Go reads either: keys are compared
 * without case, and two that Go would take for one field are refused (RULES R23). `docker-reference` is ignored: names prove nothing.
 *
 * @throws {StatementError} and nothing else.
 * @see cosign specs/SIGNATURE_SPEC.md
 */
export function parseSimpleSigning(bytes: Uint8Array): Statement {
  if (bytes.length > MAX_PAYLOAD_BYTES) {
    throw new StatementError("too-large", "", `it has ${bytes.length} bytes, and ${MAX_PAYLOAD_BYTES} are read`);
  }
  const { critical } = readPayload(bytes);
  if (critical.type !== COSIGN_TYPE) {
    const type = JSON.stringify(critical.type.slice(0, 100));
    throw new StatementError("statement-type", "critical.type", `${type} is not known`);
  }
  const digest = critical.image["docker-manifest-digest"];
  if (!isDigest(digest)) {
    throw new StatementError("no-subject", "critical.image", "it names no digest that could be computed");
  }
  const [algorithm = "", hex = ""] = digest.split(":");
  return {
    type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { [algorithm]: hex } }],
    predicateType: SIGN_PREDICATE,
    predicate: undefined,
  };
}

function readPayload(bytes: Uint8Array): z.infer<typeof payloadSchema> {
  try {
    const document = parseJson(bytes);
    const critical = field(document, "critical");
    const image = field(critical, "image");
    const digest = field(image, "docker-manifest-digest");
    return payloadSchema.parse({
      critical: { image: { "docker-manifest-digest": digest }, type: field(critical, "type") },
    });
  } catch (cause) {
    if (cause instanceof JsonError) throw new StatementError(cause.code, cause.path, cause.message, { cause });
    if (cause instanceof z.ZodError) {
      const [issue] = cause.issues;
      throw new StatementError("schema", (issue?.path ?? []).join("."), issue?.message ?? "wrong form", { cause });
    }
    throw cause;
  }
}

/** The one field of that name, whatever its case. Case is folded as Go does: `ſ` is an s, and the Kelvin sign a k. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const named = Object.entries(value).filter(([key]) => key.toUpperCase().toLowerCase() === name);
  if (named.length > 1) throw new JsonError("folded-key", name, "the key is there twice, in two cases");
  return named[0]?.[1];
}

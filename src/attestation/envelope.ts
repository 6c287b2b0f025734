import { z } from "zod";

/**
 * The form of a DSSE envelope, alone or inside a bundle. What the payload claims to be is signed with it: compare the type before
 * the payload is parsed.
 *
 * @see secure-systems-lab/dsse envelope.md
 */
export const envelopeSchema = z.object({
  payloadType: z.string(),
  payload: z.string(),
  signatures: z.array(z.object({ sig: z.string(), keyid: z.string().nullish() })),
});

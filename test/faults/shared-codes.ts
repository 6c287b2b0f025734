/** Causes that share a code although they aren't one, and why nobody is misled. */
export interface SharedCode {
  readonly kind: string;
  readonly code: string;
  readonly causes: readonly string[];
  readonly why: string;
}

/** Every exception from "another cause, another code". The tests hold that there is no other, and that none is left over. */
export const SHARED_CODES: readonly SharedCode[] = [
  {
    kind: "refused",
    code: "log-entry",
    causes: ["log-entry", "signature"],
    why: "The log's entry names payload and signature, and is compared before the signature is computed: a changed envelope is another one than was logged.",
  },
  {
    kind: "refused",
    code: "certificate",
    causes: ["certificate", "expired", "no-issuer"],
    why: "One certificate isn't acceptable: by its chain, at that time, or by what it lacks. The reason says which.",
  },
  {
    kind: "refused",
    code: "timestamp",
    causes: ["no-time", "time"],
    why: "Either way no time is proven. The reason says whether there was a token.",
  },
  {
    kind: "refused",
    code: "malformed-attestation",
    causes: ["bundle-absent", "bundle-form", "bundle-size", "carrier-form", "unsigned"],
    why: "Anyone may post such things; whoever posted it is told by the reason what can't be read.",
  },
  {
    kind: "refused",
    code: "signature",
    causes: ["certificate-of-another", "signature"],
    why: "Either way it doesn't fit the content under any key at hand: the content, the signature, or the signer is another's.",
  },
  {
    kind: "limit",
    code: "limit",
    causes: ["crowd", "nesting", "size"],
    why: "Something is beyond a stated limit. The reason names the limit.",
  },
];

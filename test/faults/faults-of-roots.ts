import type { Document, Path } from "./document.ts";
import { at, put } from "./document.ts";
import type { Fault } from "./mutation.ts";

/** The Sigstore instance that the asker trusts isn't the one that signed, or not any more. */
function root(what: string, cause: string, code: string, change: NonNullable<Fault["trustedRoot"]>): Fault {
  return {
    rule: "R12",
    what,
    gain: "An authority that the asker doesn't trust, or doesn't trust for that time, vouches for the signer.",
    cause,
    trustedRoot: change,
    node: "app",
    kind: "refused",
    code,
  };
}

const LONG_AGO = "2021-01-01T00:00:00Z";
const ended = (path: Path) => (document: Document) => put(document, [...path, "validFor", "end"], LONG_AGO);
const strangers =
  (...parts: readonly string[]): NonNullable<Fault["trustedRoot"]> =>
  (document, { stranger }) =>
    parts.reduce((changed, part) => put(changed, [part], at(stranger.trustedRoot, [part])), document);

/** Mutations of the trusted root. Nothing was signed wrongly; the asker believes somebody else. */
export const FAULTS_OF_ROOTS: readonly Fault[] = [
  root(
    "the asker trusts another Sigstore",
    "certificate",
    "certificate",
    (_, { stranger }) => stranger.trustedRoot as Document,
  ),
  root(
    "the asker trusts another authority for certificates",
    "certificate",
    "certificate",
    strangers("certificateAuthorities"),
  ),
  root("the asker's trust in the authority had ended", "expired", "certificate", ended(["certificateAuthorities", 0])),
  root("the asker trusts another log of certificates", "sct", "sct", strangers("ctlogs")),
  root("the asker trusts other logs of signatures", "log-entry", "log-entry", strangers("tlogs")),
  root("the asker's trust in the log had ended", "log-entry", "log-entry", ended(["tlogs", 0, "publicKey"])),
  {
    ...root(
      "the asker's trust in a log that tells no time had ended",
      "log-entry",
      "log-entry",
      ended(["tlogs", 1, "publicKey"]),
    ),
    spoil: { app: { sign: { rekor: 2 } } },
  },
  root("the asker trusts no log", "log-entry", "log-entry", (document) => put(document, ["tlogs"], [])),
  {
    ...root(
      "the asker trusts another authority for timestamps",
      "time",
      "timestamp",
      strangers("timestampAuthorities"),
    ),
    spoil: { app: { sign: { rekor: 2 } } },
  },
];

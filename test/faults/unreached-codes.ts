/** A code that no mutation of the table reaches, why, and the test that does. */
export interface UnreachedCode {
  readonly code: string;
  readonly why: string;
  /** A file in which a test reaches it. */
  readonly test: string;
}

const ON_DISK = "Only images on disk have it, and these mutations stand in a registry.";
const ASKED = "Only a server's answer that is taken in the place of a walk has it, and these mutations are walked.";

/** Every exception from "each code is reached by a mutation". The tests hold that there is no other, and that none is left over. */
export const UNREACHED_CODES: readonly UnreachedCode[] = [
  {
    code: "source-owner",
    why: "Only the default policy names a source by its owner, for ghcr.io alone, and these mutations stand on loopback.",
    test: "test/trust/policy-default.test.ts",
  },
  { code: "no-manifest-digest", why: ON_DISK, test: "test/cli/on-disk.test.ts" },
  { code: "malformed-archive", why: ON_DISK, test: "test/cli/on-disk.test.ts" },
  { code: "offline", why: ON_DISK, test: "test/cli/on-disk.test.ts" },
  { code: "no-answer", why: ASKED, test: "test/cli/verify-server.test.ts" },
  { code: "answer-refused", why: ASKED, test: "test/cli/verify-server.test.ts" },
  { code: "unreadable-file", why: ON_DISK, test: "test/archive/tar.test.ts" },
];

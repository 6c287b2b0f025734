import { FAULTS_OF_BUILDS } from "./faults-of-builds.ts";
import { FAULTS_OF_BYTES } from "./faults-of-bytes.ts";
import { FAULTS_OF_CONTAINMENT } from "./faults-of-containment.ts";
import { FAULTS_OF_ENTRIES } from "./faults-of-entries.ts";
import { FAULTS_OF_FEEDS } from "./faults-of-feeds.ts";
import { FAULTS_OF_IDENTITIES } from "./faults-of-identities.ts";
import { FAULTS_OF_INPUTS } from "./faults-of-inputs.ts";
import { FAULTS_OF_LAYERS } from "./faults-of-layers.ts";
import { FAULTS_OF_PLACES } from "./faults-of-places.ts";
import { FAULTS_OF_PLATFORMS } from "./faults-of-platforms.ts";
import { FAULTS_OF_POLICIES } from "./faults-of-policies.ts";
import { FAULTS_OF_PROVENANCE } from "./faults-of-provenance.ts";
import { FAULTS_OF_REPLIES } from "./faults-of-replies.ts";
import { FAULTS_OF_ROOTS } from "./faults-of-roots.ts";
import { FAULTS_OF_SIGNATURES } from "./faults-of-signatures.ts";
import { FAULTS_OF_SIGNERS } from "./faults-of-signers.ts";
import { FAULTS_OF_SUMMARIES } from "./faults-of-summaries.ts";
import { HARMLESS } from "./harmless.ts";
import type { Fault } from "./mutation.ts";
import { SHARED_CODES } from "./shared-codes.ts";
import { UNREACHED_CODES } from "./unreached-codes.ts";

const SECTIONS: readonly (readonly [heading: string, faults: readonly Fault[]])[] = [
  ["The image's bytes", FAULTS_OF_BYTES],
  ["Layers, and what lies underneath", FAULTS_OF_LAYERS],
  ["Several platforms in one index", FAULTS_OF_PLATFORMS],
  ["The signature and its bundle", FAULTS_OF_SIGNATURES],
  ["Logs and timestamps", FAULTS_OF_ENTRIES],
  ["Other places, and what GitHub keeps", FAULTS_OF_PLACES],
  ["Who signed", FAULTS_OF_IDENTITIES],
  ["Keys, other services, publishers and mirrors", FAULTS_OF_SIGNERS],
  ["What was signed", FAULTS_OF_PROVENANCE],
  ["Provenance inside a signed index", FAULTS_OF_CONTAINMENT],
  ["What went into the build beside images", FAULTS_OF_INPUTS],
  ["The build that the asker started, and the tag that it was asked by", FAULTS_OF_BUILDS],
  ["The trusted root", FAULTS_OF_ROOTS],
  ["The policy", FAULTS_OF_POLICIES],
  ["Another verifier's summary", FAULTS_OF_SUMMARIES],
  ["A feed of roots", FAULTS_OF_FEEDS],
  ["The registry's answers", FAULTS_OF_REPLIES],
];

/** Every mutation that must not be trusted. */
export const FAULTS: readonly Fault[] = SECTIONS.flatMap(([, faults]) => faults);

/** The page `docs/fault-table.md`. */
export function faultTable(): string {
  return [
    "# The fault table",
    "",
    "Written by `node scripts/docs.ts` from the tables in `test/faults/`, and held equal by a test. One good ancestry of three images (base from",
    "scratch, runtime on base, app on runtime) is made of real bytes, signed by a Sigstore on loopback, pushed to a registry on loopback, and",
    "judged by the program's own registry client, verifier and walk. Then every line below changes one thing, and the test",
    "`test/faults/faults.test.ts` holds what comes out.",
    "",
    "`npm run corpus -- DIR` writes each change as files that other verifiers can be run against: image, evidence, policy, trusted root, and the",
    "verdict that is expected ([decision 30](decisions/0030-the-corpus-is-the-fault-table.md)).",
    "",
    `${FAULTS.length} changes must not be trusted. Each is told at the image, with the finding and the code in the last columns, and nothing else is`,
    `told beside it unless the line says so. ${HARMLESS.length} changes must not matter.`,
    "",
    ...SECTIONS.flatMap(([heading, faults]) => section(heading, faults)),
    "## What must not matter",
    "",
    "Trusted as before; at another level where the line says so.",
    "",
    "| rule | what is different | why it is as good |",
    "|---|---|---|",
    ...HARMLESS.map(({ rule, what, why, level }) =>
      row(rule, what, level === undefined ? why : `${why} Level ${level}.`),
    ),
    "",
    "## Causes that share a code",
    "",
    "Another cause has another code, but for these.",
    "",
    "| finding | code | causes | why nobody is misled |",
    "|---|---|---|---|",
    ...SHARED_CODES.map(({ kind, code, causes, why }) => row(kind, `\`${code}\``, causes.join(", "), why)),
    "",
    "## Codes that no change above reaches",
    "",
    "| code | why | where it is tried |",
    "|---|---|---|",
    ...UNREACHED_CODES.map(({ code, why, test }) =>
      row(`\`${code}\``, why, `[${test.replace(/^test\/|\.test\.ts$/g, "")}](../${test})`),
    ),
    "",
  ].join("\n");
}

function section(heading: string, faults: readonly Fault[]): readonly string[] {
  return [
    `## ${heading}`,
    "",
    "| rule | what is wrong | what it would gain | verdict | told at | finding | code |",
    "|---|---|---|---|---|---|---|",
    ...faults.map(({ rule, what, gain, outcome = "untrusted", node, kind, code, also = [] }) => {
      const beside = also.map((each) => `; also ${each.node}: ${each.kind}, \`${each.code}\``).join("");
      return row(rule, what, gain, outcome, node, kind, `\`${code}\`${beside}`);
    }),
    "",
  ];
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

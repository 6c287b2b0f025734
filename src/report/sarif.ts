import { digestOf, hexOf } from "../image/digest.ts";
import type { Answer } from "./answers.ts";
import { codeWords } from "./code-words.ts";
import { type DocumentFault, wayTo } from "./faults.ts";
import type { VerdictDocument } from "./json.ts";
import { printable, printableJson } from "./printable.ts";

/** @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html */
const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const PROJECT = "https://github.com/trusted-builds/trusted-builds";
const DOCS = `${PROJECT}/blob/main/docs`;

type Level = "error" | "warning";

/** One result, before its rule has a place in the list of them. */
interface Finding {
  readonly code: string;
  readonly level: Level;
  readonly text: string;
  /** The image that was asked about, without what changes from build to build. */
  readonly image: string;
  readonly name: string;
  /** The way from the image to what is wrong. */
  readonly way: string;
  /** What makes it the same finding the next time. */
  readonly same: readonly (string | null)[];
}

/**
 * Verdicts as SARIF 2.1.0: one run, a result for each fault (an error) and for each thing that could not be looked at (a warning).
 *
 * A file without results reads as "nothing is wrong" wherever it is uploaded: an image that isn't trusted has always one at least, and
 * where something could not be looked at, or has no verdict, the invocation is told not to have been successful.
 *
 * @param version - Of this program.
 */
export function verdictsSarif(answers: readonly Answer[], version: string): string {
  const findings = answers.flatMap((answer) => (answer.kind === "verdict" ? findingsIn(answer.document) : []));
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const notifications = answers.flatMap(notificationsOf);
  const seen = new Map<string, number>();
  return printableJson({
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: { name: "Trusted Builds", version, informationUri: PROJECT, rules: codes.map(ruleOf) },
        },
        invocations: [
          {
            executionSuccessful: notifications.length === 0,
            ...(notifications.length > 0 && { toolExecutionNotifications: notifications }),
          },
        ],
        results: findings.map((finding) => {
          const hash = hexOf(digestOf(Buffer.from(JSON.stringify(finding.same))));
          const nth = (seen.get(hash) ?? 0) + 1;
          seen.set(hash, nth);
          return resultOf(finding, codes.indexOf(finding.code), `${hash}:${nth}`);
        }),
        columnKind: "utf16CodeUnits",
        properties: { verdicts: answers.map(propertiesOf) },
      },
    ],
  });
}

function findingsIn(document: VerdictDocument): readonly Finding[] {
  const { faults, unreachable, verdict } = document;
  const told = [
    ...faults.map((fault) => findingOf(document, fault, "error")),
    ...unreachable.map((fault) => findingOf(document, fault, "warning")),
  ];
  // Whatever the list says, the verdict is what counts.
  if (verdict === "trusted" || told.length > 0) return told;
  const reason = `the image is ${verdict}, and nothing says why`;
  const bare = { code: verdict, reason, node: "", path: [], mend: "" };
  return [findingOf(document, bare, verdict === "untrusted" ? "error" : "warning")];
}

function findingOf(document: VerdictDocument, fault: DocumentFault, level: Level): Finding {
  const { image, nodes, verdict } = document;
  const { code, reason, mend } = fault;
  const way = wayTo(fault, nodes);
  const whole = way.map(({ role, name }) => `${role === null ? "" : ` → ${role} `}${name}`).join("");
  const node = nodes.find(({ id }) => id === fault.node);
  const where = whole === "" ? printable(image.reference) : whole;
  const mended = mend === "" ? "" : ` What would mend it: ${mend}.`;
  return {
    code,
    level,
    text: messageText(`${image.reference} is ${verdict}: ${where}: ${reason}.${mended}`),
    image: image.tag === null ? image.name : `${image.name}:${image.tag}`,
    name: way.at(-1)?.name ?? printable(image.reference),
    way: where,
    // Digests, reasons and the image's tag change with every build: the same fault of the next one is the same finding.
    same: [
      image.name,
      code,
      node?.platform ?? null,
      ...way.slice(1).flatMap(({ role, name }) => [role, withoutDigest(name)]),
    ],
  };
}

function withoutDigest(name: string): string {
  return name.replace(/@[0-9a-f]+$/, "");
}

function resultOf(finding: Finding, ruleIndex: number, fingerprint: string) {
  const { code, level, text, image, name, way } = finding;
  return {
    ruleId: code,
    ruleIndex,
    level,
    message: { text },
    locations: [
      {
        // No file of a repository: but GitHub takes no result without one.
        physicalLocation: {
          artifactLocation: { uri: relativeUri(image) },
          region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 },
        },
        logicalLocations: [{ name, fullyQualifiedName: way, kind: "resource" }],
      },
    ],
    // GitHub goes by the first alone; https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support
    partialFingerprints: { primaryLocationLineHash: fingerprint, "trustedBuilds/v1": fingerprint },
  };
}

/** A name as a path: its colon would make a scheme of the host before it. */
function relativeUri(name: string): string {
  return name
    .split("/")
    .map((part) => encodeURIComponent(printable(part)))
    .join("/");
}

function ruleOf(code: string) {
  const known = codeWords(code);
  const says = known?.says ?? "See the list of codes.";
  const more = `${says}${known?.rule === undefined ? "" : ` Rule ${known.rule}.`}`;
  const page = known?.rule === undefined ? `${DOCS}/verdict.md#codes` : `${DOCS}/rules.md`;
  return {
    id: code,
    name: code,
    shortDescription: { text: messageText(says) },
    fullDescription: { text: messageText(says) },
    help: {
      text: messageText(more),
      markdown: `${says} ${known?.rule === undefined ? "" : `Rule ${known.rule} of [the rules](${DOCS}/rules.md). `}[All codes](${DOCS}/verdict.md#codes)`,
    },
    helpUri: page,
    defaultConfiguration: { level: "error" },
    properties: { tags: ["supply-chain", ...(known?.rule === undefined ? [] : [known.rule])] },
  };
}

function notificationsOf(answer: Answer) {
  const notification = (text: string) => ({ level: "error", message: { text: messageText(text) } });
  if (answer.kind === "unusable") return [notification(`${answer.image} has no verdict: ${answer.reason}`)];
  const { verdict, image, unreachable } = answer.document;
  if (verdict === "undetermined" || unreachable.length > 0)
    return [notification(`${image.reference} is ${verdict}: not everything could be looked at`)];
  return [];
}

function propertiesOf(answer: Answer) {
  if (answer.kind === "unusable") return { image: answer.image, verdict: null, reason: answer.reason };
  const { image, verdict, policy, asOf, level } = answer.document;
  return { image: image.reference, digest: image.digest, verdict, policy, asOf, level };
}

/** Plain text of a message, in which texts of strangers begin neither a link (§3.11.6) nor a placeholder (§3.11.5). */
function messageText(text: string): string {
  return printable(text)
    .replace(/[\\[\]]/g, "\\$&")
    .replace(/[{}]/g, "$&$&");
}

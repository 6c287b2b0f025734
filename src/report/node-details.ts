import { groupBy } from "./grouping.ts";
import type { VerdictDocument } from "./json.ts";
import { SHORT_DIGEST } from "./short-reference.ts";

/** How many reasons for refusing what is signed about one image are listed. */
const MAX_REFUSALS = 5;

/** How many of the things that went in beside images are listed. */
const MAX_INPUTS = 5;

/** One image of a verdict's ancestry. */
export type DocumentNode = VerdictDocument["nodes"][number];
/** What is signed about an image and counts. */
export type DocumentStatement = DocumentNode["statements"][number];

type DocumentInput = NonNullable<DocumentNode["inputs"]>["all"][number];

/** Why an image is what it is, in lines for people; texts of strangers are in them as they came. */
export function detailsOf(node: DocumentNode): readonly string[] {
  return [...reasonsOf(node), ...inputDetails(node), ...node.hints.map(hintWords), ...node.warnings];
}

function reasonsOf(node: DocumentNode): readonly string[] {
  const { finding } = node;
  switch (finding.kind) {
    case "attested":
      return attestedDetails(node);
    case "scratch":
      return [];
    case "root":
      return [`${finding.policyPath}: ${finding.reason}; until ${finding.expires}`];
    case "summarised":
      return [
        `${finding.policyPath}: ${finding.reason}; signed by ${node.summary?.signer ?? "?"}, good until ${node.summary?.until ?? "?"}`,
      ];
    case "pinned":
      return ["policy wants it pinned, and it is; it was not judged"];
    case "allowed":
      return ["policy doesn't judge this role"];
    case "unattested":
      return ["nothing signed refers to it"];
    case "refused":
      return refusalDetails(node.refusals.filter(({ decisive }) => decisive));
    case "opaque":
    case "unresolved":
    case "malformed":
    case "mismatch":
    case "layers-mismatch":
    case "unreachable":
      return [`${finding.code}: ${finding.reason}`];
    case "undeclared-base":
    case "revoked":
    case "cycle":
    case "limit":
      return [finding.reason ?? ""];
  }
}

/** The statement whose word the record of the build is: who built the image, and from what source. */
export function builtBy(node: DocumentNode): DocumentStatement | undefined {
  const record = node.provenances.find(({ recordsImages }) => recordsImages);
  return node.statements.find(({ bundle }) => bundle === record?.bundle);
}

/** `inputs open: 3 commands had the network`; what is fixed by commit or checksum is in the JSON alone. */
function inputDetails({ inputs }: DocumentNode): readonly string[] {
  if (inputs === null || inputs.state === "closed") return [];
  const told = [...new Set([...inputs.all.flatMap(inputWords), ...inputs.untold])];
  const more = told.length - MAX_INPUTS;
  const shown = more > 0 ? [...told.slice(0, MAX_INPUTS), `${more} more; --output json lists them all`] : told;
  return [`inputs ${inputs.state}: ${shown.join("; ")}`];
}

function inputWords({ kind, name, ref, content, checksum, commands }: DocumentInput): readonly string[] {
  const count = `${commands} command${commands === 1 ? "" : "s"}`;
  switch (kind) {
    case "git":
      return content !== null && content === ref ? [] : [`${name} at ${ref ?? "its default branch"}`];
    case "http":
      return checksum === null ? [`${name} without a checksum`] : [];
    case "local":
      return [`local content (${name})`];
    case "network":
      if (name === "none") return [];
      return [`${count} had the network${name === "sandbox" ? "" : ` (${name})`}`];
    case "cache":
      return [`cache ${name}`];
    case "imported-cache":
      return [`cache imported from ${name}`];
    case "privileged":
      return [`${count} ran without a sandbox`];
  }
}

function hintWords({ from, name, digest }: DocumentNode["hints"][number]): string {
  const base = [name, digest].filter((each) => each !== null).join("@");
  return `hint, not evidence: its ${from} say that it was built on ${base}`;
}

function attestedDetails(node: DocumentNode): readonly string[] {
  const record = node.provenances.find(({ recordsImages }) => recordsImages);
  const statement = builtBy(node);
  if (record === undefined || statement === undefined) return [];
  const commit = statement.sourceCommit?.slice(0, SHORT_DIGEST) ?? "?";
  const proven = node.sourceProven === true ? "" : " (not proven: the build's own record names no git source)";
  const seam = node.seam === "claimed" ? ", seam claimed" : "";
  const source =
    statement.sourceRepository === null
      ? "a source that its signer doesn't name"
      : `${statement.sourceRepository} at ${commit} (${statement.sourceRef ?? "?"})${proven}`;
  return [
    `level ${node.level}${seam}, from ${source}`,
    `signed by ${statement.signer}${record.containedIn === null ? "" : ", over the index that holds its provenance"}`,
  ];
}

/** Each reason once: an image signed by the wrong hand has several statements that fail alike. */
function refusalDetails(refusals: DocumentNode["refusals"]): readonly string[] {
  const places = groupBy(refusals, ({ code, reason }) => `${code}: ${reason}`);
  const lines = [...places].map(([text, [first, ...others]]) => {
    const more = others.length === 0 ? "" : `, and ${others.length} more alike`;
    return `${text} [${first?.where}${more}]`;
  });
  return lines.length > MAX_REFUSALS
    ? [
        ...lines.slice(0, MAX_REFUSALS),
        `and ${lines.length - MAX_REFUSALS} other reasons; --output json lists them all`,
      ]
    : lines;
}

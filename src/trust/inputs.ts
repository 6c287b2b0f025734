import type { BuildRecord } from "../attestation/build-record.ts";
import { isCommit } from "../attestation/git-url.ts";
import type { BuildInput } from "../attestation/inputs.ts";
import type { AcceptedProvenance } from "./accepted.ts";
import type { Finding, InputCode } from "./finding.ts";
import type { AllowedInputs } from "./policy.ts";

/**
 * How much is known of what went in beside images (RULES R20), from best to worst.
 *
 * - `closed`: each was fixed beforehand, by commit or checksum, and no command could reach anything else.
 * - `recorded`: the content of each is recorded, and that of some was whatever stood at an address, branch or tag.
 * - `open`: something could get in that nothing records, or that can't be told.
 */
export type Openness = "closed" | "recorded" | "open";

const ORDER: readonly Openness[] = ["closed", "recorded", "open"];

/** What went into one image beside images. */
export interface NodeInputs {
  readonly openness: Openness;
  /** Each once, over all accepted provenances. */
  readonly all: readonly BuildInput[];
  /** Why it is open where the list doesn't show it. */
  readonly untold: readonly string[];
}

/** The most open of several; of none, nothing is known. */
export function mostOpen(each: readonly Openness[]): Openness {
  return ORDER[Math.max(...each.map((one) => ORDER.indexOf(one)))] ?? "open";
}

/**
 * What went in, over all accepted provenances together (RULES R17): whatever one of them names went in. What one doesn't tell, another
 * about the same bytes may.
 *
 * @returns undefined where none records it: that is `open`, and nothing can be listed.
 */
export function inputsOfNode(provenances: readonly AcceptedProvenance[]): NodeInputs | undefined {
  const records = recordsOf(provenances);
  if (records.length === 0) return undefined;
  const all = unionOf(records);
  const silences = records.map(untoldIn);
  const untold = silences.some((silence) => silence.length === 0) ? [] : [...new Set(silences.flat())];
  const openness = mostOpen([...all.map(opennessOf), untold.length === 0 ? "closed" : "open"]);
  return { openness, all, untold };
}

/** Each once. Whether a checksum was demanded only the steps tell: a list without them doesn't contradict those that have it. */
function unionOf(records: readonly InputRecord[]): readonly BuildInput[] {
  const checked = new Set(
    records.flatMap(({ otherInputs }) =>
      otherInputs.flatMap((input) => (input.kind === "http" && input.checksum !== undefined ? [input.uri] : [])),
    ),
  );
  const named = records.flatMap(({ llb, otherInputs }) =>
    otherInputs.filter((input) => llb || input.kind !== "http" || !checked.has(input.uri)),
  );
  return [...new Map(named.map((input) => [JSON.stringify(input), input])).values()];
}

/** Something that policy doesn't let in. */
export interface RefusedInput {
  readonly code: InputCode | "incomplete";
  readonly reason: string;
}

/** The gravest first. */
const GRAVITY: readonly RefusedInput["code"][] = [
  "input-local",
  "incomplete",
  "input-not-checked",
  "input-privileged",
  "input-network",
  "input-cache",
];

/** How many of a kind are named one by one. */
const MAX_NAMED = 5;

/**
 * What of it policy doesn't let in (RULES R20). What no provenance tells is taken for the worst that it could be.
 *
 * @returns undefined if nothing; else a finding whose code is the gravest, and whose reason names them all.
 */
export function refusedInputs(
  allow: AllowedInputs,
  provenances: readonly AcceptedProvenance[],
): (Finding & { readonly kind: "opaque" }) | undefined {
  const records = recordsOf(provenances);
  if (records.length === 0) return undefined;
  const refused = refusedIn(allow, records).toSorted((a, b) => GRAVITY.indexOf(a.code) - GRAVITY.indexOf(b.code));
  const [first] = refused;
  if (first === undefined) return undefined;
  return { kind: "opaque", code: first.code, reason: refused.map(({ reason }) => reason).join("; ") };
}

/**
 * What of it policy wouldn't let into a build that isn't made yet, each kind once: by the same rules as what is recorded of one that was
 * made, and with nothing left untold.
 */
export function refusedBeforehand(allow: AllowedInputs, inputs: readonly BuildInput[]): readonly RefusedInput[] {
  return refusedIn(allow, [{ llb: true, complete: true, hermetic: true, otherInputs: inputs }]);
}

type InputRecord = Pick<BuildRecord, "llb" | "complete" | "hermetic" | "otherInputs">;

function refusedIn(allow: AllowedInputs, records: readonly InputRecord[]): readonly RefusedInput[] {
  const inputs = unionOf(records);
  const of = (is: boolean, code: RefusedInput["code"], reason: string): RefusedInput[] =>
    is ? [{ code, reason }] : [];
  const locals = inputs.flatMap((input) => (input.kind === "local" ? [input.name] : []));
  const unchecked = inputs.flatMap((input) =>
    input.kind === "http" && input.checksum === undefined && !isAllowed(allow, input.uri) ? [input.uri] : [],
  );
  const network = inputs.some((input) => input.kind === "network" && input.mode !== "none");
  const caches = inputs.flatMap((input) =>
    input.kind === "cache" ? [input.id] : input.kind === "imported-cache" ? [`imported from ${input.from}`] : [],
  );
  const privileged = inputs.some(({ kind }) => kind === "privileged");
  const hasSteps = records.some(({ llb }) => llb);
  const asFar = hasSteps ? "" : ", as far as can be told: the provenance is without the build's steps";
  return [
    ...of(
      !allow.localContext && locals.length > 0,
      "input-local",
      `content of the builder's own went in (${named(locals)}), and nothing shows that it is the signed commit's`,
    ),
    ...of(
      !allow.localContext && locals.length === 0 && !records.some(({ complete }) => complete),
      "incomplete",
      "the builder doesn't say that it recorded all that went in",
    ),
    ...of(unchecked.length > 0, "input-not-checked", `fetched without a checksum${asFar}: ${named(unchecked)}`),
    ...of(
      !allow.privileged && (privileged || !hasSteps),
      "input-privileged",
      `commands ran without a sandbox${privileged ? "" : asFar}`,
    ),
    ...of(
      !allow.network && (network || !records.some(({ hermetic }) => hermetic)),
      "input-network",
      `commands had the network${network ? "" : ", or could have: the builder doesn't say that none had it"}`,
    ),
    ...of(
      !allow.cache && (caches.length > 0 || !hasSteps),
      "input-cache",
      caches.length === 0 ? `caches went in${asFar}` : `caches of other builds went in: ${named(caches)}`,
    ),
  ];
}

function named(texts: readonly string[]): string {
  const all = [...new Set(texts)];
  const more = all.length - MAX_NAMED;
  return `${all.slice(0, MAX_NAMED).join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}

/** A path with dot segments may lead elsewhere on the server than the pattern's author sees: it is nobody's to allow. */
function isAllowed({ httpWithoutChecksum }: AllowedInputs, uri: string): boolean {
  const hasDots = /(?:^|[\\/])(?:\.|%2e){1,2}(?:$|[\\/?#])/i.test(uri.replace(/^https?:\/\//, ""));
  return !hasDots && httpWithoutChecksum.some((glob) => glob.match(uri) !== undefined);
}

function recordsOf(provenances: readonly AcceptedProvenance[]): readonly BuildRecord[] {
  return provenances.flatMap(({ record }) => record ?? []);
}

/** What a record leaves open by what it doesn't say. */
function untoldIn({ llb, complete, hermetic, otherInputs }: BuildRecord): readonly string[] {
  const shows = (kinds: readonly BuildInput["kind"][]) => otherInputs.some(({ kind }) => kinds.includes(kind));
  return [
    ...(llb ? [] : ["the build's steps aren't recorded"]),
    ...(complete || shows(["local"]) ? [] : ["not all that went in is recorded"]),
    ...(hermetic || !complete || shows(["network"]) ? [] : ["the builder doesn't say that no command had the network"]),
  ];
}

function opennessOf(input: BuildInput): Openness {
  switch (input.kind) {
    case "git":
      if (input.commit === undefined) return "open";
      return input.ref !== undefined && isCommit(input.ref) ? "closed" : "recorded";
    case "http":
      if (input.checksum !== undefined) return "closed";
      return input.digest === undefined ? "open" : "recorded";
    case "network":
      return input.mode === "none" ? "closed" : "open";
    case "local":
    case "cache":
    case "imported-cache":
    case "privileged":
      return "open";
  }
}

import type { ImageUse } from "../../src/image/dockerfile/reading.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { formatReference, parseReference, pin, withDefaultTag } from "../../src/image/reference.ts";
import type { Forecast, ForecastFault, ForecastParent } from "../../src/trust/forecast.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { digest, fault, node, verdict } from "./verdicts.ts";

/** A reference as it is written, and the digest under it; what differs is given. */
export function parent(
  written: string,
  given: Partial<ForecastParent> & { readonly line?: number } = {},
): ForecastParent {
  const { line = 1, ...rest } = given;
  const reference = withDefaultTag(parseReference(written));
  const platform = rest.platform ?? parsePlatform("linux/amd64");
  const role = rest.role ?? "base";
  const image = pin(reference, reference.digest ?? digest(written));
  return {
    reference,
    role,
    platform,
    uses: [use(written, { line, role, platform })],
    rule: "attested",
    isPinned: reference.digest !== undefined,
    image,
    verdict: verdictOn(written),
    ...rest,
  };
}

/** A use of an image on one line. */
export function use(written: string, given: Partial<ImageUse> = {}): ImageUse {
  const reference = withDefaultTag(parseReference(written));
  const line = given.line ?? 1;
  return {
    reference,
    key: formatReference(reference),
    written,
    platform: parsePlatform("linux/amd64"),
    role: "base",
    by: given.role === "input" ? "COPY" : given.role === "frontend" ? "syntax" : "FROM",
    stage: given.role === "frontend" ? undefined : "0",
    isReached: true,
    place: { start: line * 100 + 5, end: line * 100 + 5 + written.length },
    line,
    endLine: line,
    ...given,
  };
}

/** A verdict on what is under that name, trusted unless said otherwise. */
export function verdictOn(written: string, given: Partial<Verdict> = {}): Verdict {
  const reference = withDefaultTag(parseReference(written));
  const image = pin(reference, reference.digest ?? digest(written));
  const nodes = given.nodes ?? [node("a", { reference: formatReference(image), isFromScratch: true })];
  return verdict(nodes, { image, ...given });
}

/** A parent that nothing signed refers to. */
export function unattested(written: string, given: Parameters<typeof parent>[1] = {}): ForecastParent {
  const reference = formatReference(pin(withDefaultTag(parseReference(written)), digest(written)));
  const nodes = [node("a", { reference, finding: { kind: "unattested" } })] as const;
  return parent(written, {
    verdict: verdictOn(written, { outcome: "untrusted", level: 0, nodes, faults: [fault("unattested", [nodes[0]])] }),
    ...given,
  });
}

/** What is said of an unattested one. */
export function faultOn(parent: number, line: number, given: Partial<ForecastFault> = {}): ForecastFault {
  return {
    code: "unattested",
    key: "unattested",
    isGrave: false,
    reason: "nothing signed refers to it",
    mend: "use an image that is built with provenance",
    lines: [{ line, endLine: line }],
    parent,
    path: [],
    ...given,
  };
}

/** A forecast of these parents; its outcome follows from what is given. */
export function forecast(parents: readonly ForecastParent[], given: Partial<Forecast> = {}): Forecast {
  const { faults = [], unreachable = [] } = given;
  return {
    outcome: faults.length > 0 ? "untrusted" : unreachable.length > 0 ? "undetermined" : "trusted",
    policy: { name: "acme/app/.github/trusted-builds.yml", digest: digest("policy") },
    asOf: new Date("2027-02-01T12:00:00Z"),
    parents,
    faults,
    unreachable,
    level: parents.length === 0 ? undefined : 2,
    validUntil: undefined,
    ...given,
  };
}

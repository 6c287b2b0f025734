import type { BuildInput } from "../attestation/inputs.ts";
import { type Digest, isDigest } from "../image/digest.ts";
import type { OtherUse } from "../image/dockerfile/reading.ts";
import type { Finding } from "./finding.ts";
import type { ForecastFault } from "./forecast.ts";
import { foundFault } from "./forecast-faults.ts";
import type { PlatformReading } from "./forecast-parents.ts";
import { refusedBeforehand } from "./inputs.ts";
import type { AllowedInputs, Policy } from "./policy.ts";

/** What one kind of fault is about: uses that are told together, with the lines of all. */
interface Group {
  readonly finding: Finding & {
    readonly kind: "opaque" | "unresolved";
    readonly code: string;
    readonly reason: string;
  };
  /** An address or name, which is another fault than that of another address; "" for what commands can do. */
  readonly about: string;
  readonly uses: OtherUse[];
}

/** What policy doesn't let in beside images (RULES R20), by the rules that hold for the recorded inputs of an image. */
export function inputFaults(policy: Policy, readings: readonly PlatformReading[]): readonly ForecastFault[] {
  const groups = new Map<string, Group>();
  for (const use of readings.flatMap(({ reading }) => reading.others)) {
    if (!use.isReached) continue;
    const finding = refused(policy.allow, use);
    if (finding === undefined) continue;
    const about = aboutOf(use);
    const key = JSON.stringify([finding.code, about]);
    const group = groups.get(key) ?? { finding, about, uses: [] };
    group.uses.push(use);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ finding, about, uses }) =>
    foundFault(policy, {
      finding,
      steps: about === "" ? [] : [{ role: uses[0]?.kind, name: about }],
      lines: uses,
      called: about === "" ? "the image" : about,
    }),
  );
}

function refused(allow: AllowedInputs, use: OtherUse): Group["finding"] | undefined {
  if (use.kind === "oci-layout") return refusedLayout(allow, use.text);
  const [first] = refusedBeforehand(allow, inputOf(use));
  return first && { kind: "opaque", code: first.code, reason: first.reason };
}

/** As a build would record it. */
function inputOf({ kind, text, isPinned }: OtherUse): readonly BuildInput[] {
  switch (kind) {
    case "http":
      // With a checksum the bytes are fixed beforehand, whatever the address serves.
      return isPinned ? [] : [{ kind, uri: text }];
    case "local-context":
      return [{ kind: "local", name: text }];
    case "network":
      return [{ kind, mode: "sandbox", steps: 1 }];
    case "cache":
      return [{ kind, id: text }];
    case "privileged":
      return [{ kind, steps: 1 }];
    // The builder records the commit: nothing is refused of it.
    case "git":
    case "oci-layout":
      return [];
  }
}

/** An image of a layout is its digest, if policy names it (RULES R20). */
function refusedLayout({ layouts }: AllowedInputs, text: string): Group["finding"] | undefined {
  const digest = digestIn(text);
  if (digest !== undefined && layouts.includes(digest)) return undefined;
  const reason = "an image from a local store, which nobody else can look at";
  return { kind: "unresolved", code: "local-image", reason };
}

function digestIn(text: string): Digest | undefined {
  const digest = text.slice(text.lastIndexOf("@") + 1);
  return isDigest(digest) ? digest : undefined;
}

/** Commands that may do the same are one fault; another address is another. */
function aboutOf({ kind, text }: OtherUse): string {
  switch (kind) {
    case "network":
    case "cache":
    case "privileged":
      return "";
    case "oci-layout":
      return digestIn(text) === undefined ? text : text.slice(0, text.lastIndexOf("@"));
    case "http":
    case "git":
    case "local-context":
      return text;
  }
}

import type { PullCheck, PullOutcome } from "../change/pull.ts";
import { several } from "./ancestry-words.ts";
import { code, link, prose } from "./markdown.ts";
import type { Parts, Section } from "./markdown-limits.ts";
import { printable } from "./printable.ts";
import { heldBack } from "./pull-enforcement.ts";
import { type PullLinks, type PullReportOptions, pullLinks } from "./pull-links.ts";
import { SHORT_DIGEST } from "./short-reference.ts";
import { utc, utcTime } from "./utc.ts";

/** What a pull request's check says as long as nothing is known. Could not look is neither trusted nor untrusted. */
export function partsOfPullPhase(check: PullCheck, options: PullReportOptions): Parts {
  const { waiting, failures, createdAt } = check;
  const asked = askedSection(check, pullLinks(check, options), options);
  if (waiting === undefined) {
    const line = `Since ${utc(createdAt)}: the Dockerfiles that this pull request touches, or that policy names, are read and what they would make is judged.`;
    return { title: `Judging since ${utcTime(createdAt)}`, summary: [{ lines: [line] }, asked] };
  }
  const soFar = `${several(failures, "failure")} so far`;
  const lines = [
    `**Could not look yet**: ${prose(waiting.reason)}`,
    "",
    `Next try at ${utc(waiting.until)}, ${soFar}. This says nothing about the images: they are neither trusted nor untrusted until they could be looked at.`,
  ];
  return { title: `Could not look yet: next try at ${utcTime(waiting.until)}, ${soFar}`, summary: [{ lines }, asked] };
}

/** What it says where nothing was judged. */
export function partsWithoutVerdict(
  check: PullCheck,
  outcome: Exclude<PullOutcome, { readonly kind: "judged" }>,
  options: PullReportOptions,
): Parts {
  const asked = askedSection(check, pullLinks(check, options), options);
  switch (outcome.kind) {
    case "no-dockerfile": {
      const held = heldBack(outcome);
      return {
        title: `no Dockerfile${held.length === 0 ? "" : ", and held back by another pull request"}`,
        summary: [
          { lines: ["**No Dockerfile** is touched here or named by policy: there is nothing to judge."] },
          { lines: held },
          asked,
        ],
      };
    }
    case "limit":
      return {
        title: "too much to look at",
        summary: [
          {
            lines: [
              `**✖ Too much to look at**: ${prose(outcome.reason)}`,
              "",
              "What is left out could be anything, so that the check fails. What would mend it: a smaller pull request.",
            ],
          },
          asked,
        ],
      };
    case "policy-wrong": {
      const count = several(outcome.faults.length, "fault");
      return {
        title: `policy can't be used: ${count} in ${printable(outcome.policy)}`,
        summary: [
          {
            lines: [
              `**✖ The policy can't be used**: ${count} in ${code(outcome.policy)}. Nothing was judged: a policy that can't be read is never taken for none. It is read from the default branch, never from a pull request.`,
            ],
          },
          {
            before: ["| line | column | where | what is wrong |", "|---:|---:|---|---|"],
            lines: outcome.faults.map(
              ({ line, column, path, message }) =>
                `| ${line} | ${column} | ${path === "" ? "" : code(path)} | ${prose(message)} |`,
            ),
          },
          asked,
        ],
      };
    }
    case "undetermined": {
      const tries = check.failures === 0 ? "" : `, after ${check.failures} ${check.failures === 1 ? "try" : "tries"}`;
      const lines = [
        `**? Undetermined**: ${prose(outcome.reason)}`,
        "",
        "This says nothing about the images: they are neither trusted nor untrusted. What to do: see to it that what is named here can be reached with the app's credentials, then run this check again.",
      ];
      return { title: `undetermined: could not look${tries}`, summary: [{ lines }, asked] };
    }
    case "superseded":
      return {
        title: outcome.isClosed === true ? "the pull request was closed" : "superseded by a newer check",
        summary: [
          {
            lines: [
              outcome.isClosed === true
                ? "The pull request was closed before this was judged."
                : "Another push, base or question came before this was judged: the newest check of the pull request counts.",
            ],
          },
          asked,
        ],
      };
  }
}

/** Which pull request it is, and at which commit. */
export function askedSection(
  { number, head, base, id }: PullCheck,
  links: PullLinks,
  { page }: PullReportOptions,
  more: readonly string[] = [],
): Section {
  return {
    before: [`### ${more.length === 0 ? "What was asked for" : "What was judged"}`, ""],
    lines: [
      `- pull request: ${link(`#${number}`, links.pull)} to ${link(base.branch, links.base)}`,
      `- head: ${link(head.commit.slice(0, SHORT_DIGEST), links.head)} of ${code(head.branch)}${head.repository === undefined ? ", whose repository is gone" : ` in ${code(`${head.repository.owner}/${head.repository.name}`)}`}`,
      `- base: ${code(base.commit.slice(0, SHORT_DIGEST))}`,
      ...more,
      ...(page === undefined ? [] : [`- the whole: ${link(id, page)}`]),
    ],
  };
}

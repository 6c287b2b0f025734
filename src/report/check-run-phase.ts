import type { Build } from "../build/build.ts";
import { several } from "./ancestry-words.ts";
import { asked, type ReportOptions, runLink } from "./check-run-request.ts";
import { prose } from "./markdown.ts";
import type { Parts } from "./markdown-limits.ts";
import { utc, utcTime } from "./utc.ts";

/** What a check run says as long as the outcome isn't known. */
export function partsOfPhase(build: Build, options: ReportOptions): Parts {
  const { title, lines } = build.waiting === undefined ? saidOfPhase(build) : saidOfWaiting(build, build.waiting);
  return { title, summary: [{ lines }, asked(build, options)] };
}

interface Said {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Could not look is neither trusted nor untrusted, and must not be read as either. */
function saidOfWaiting({ failures }: Build, { reason, until }: NonNullable<Build["waiting"]>): Said {
  const soFar = `${several(failures, "failure")} so far`;
  return {
    title: `Could not look yet: next try at ${utcTime(until)}, ${soFar}`,
    lines: [
      `**Could not look yet**: ${prose(reason)}`,
      "",
      `Next try at ${utc(until)}, ${soFar}. This says nothing about the image: it is neither trusted nor untrusted until it could be looked at.`,
    ],
  };
}

function saidOfPhase(build: Build): Said {
  const { phase, runStatus, createdAt } = build;
  const since = runStatus?.since ?? createdAt;
  switch (phase) {
    case "requested":
      return {
        title: `Queued since ${utcTime(createdAt)}`,
        lines: [`Queued since ${utc(createdAt)}: the workflow is about to be started.`],
      };
    case "dispatched":
      return runStatus?.status === "in_progress"
        ? {
            title: `Building since ${utcTime(since)}`,
            lines: [`Building since ${utc(since)}. The log: ${runLink(build)}.`],
          }
        : {
            title: `Queued since ${utcTime(since)}: waiting for a runner`,
            lines: [`Queued since ${utc(since)}: ${runLink(build)} is started, and waits for a runner.`],
          };
    case "verifying":
    case "settled":
    case "done":
      return {
        title: "Verifying what was built",
        lines: [
          `Built by ${runLink(build)}. Now the image, what is signed about it, and every image under it are fetched and verified.`,
        ],
      };
  }
}

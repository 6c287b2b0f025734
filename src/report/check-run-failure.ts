import { type Build, type Outcome, tagName } from "../build/build.ts";
import { several } from "./ancestry-words.ts";
import { asked, type ReportOptions, runLink, workflowPath } from "./check-run-request.ts";
import { code, fenced, prose } from "./markdown.ts";
import type { Parts } from "./markdown-limits.ts";
import { printable } from "./printable.ts";

type Ended<Kind extends Outcome["kind"]> = Extract<Outcome, { readonly kind: Kind }>;

/** The workflow ended otherwise than by success: with the end of its log. */
export function failedParts(build: Build, { conclusion, log }: Ended<"build-failed">, options: ReportOptions): Parts {
  const line = `**✖ Build failed**: ${runLink(build)} ended with ${code(conclusion)}. Nothing was judged.`;
  const none = log === undefined ? " There is no log of a job that failed." : "";
  const end = fenced(log === undefined ? [] : log.trimEnd().split(/\r\n|[\r\n]/));
  return {
    title: `build failed: the workflow's run ended with ${printable(conclusion)}`,
    summary: [{ lines: [line + none] }, asked(build, options)],
    ...(log !== undefined && { text: [{ ...end, before: ["### The end of the log", "", ...end.before] }] }),
  };
}

/** Nobody is at fault, and nothing is known. */
export function cancelledParts(build: Build, options: ReportOptions): Parts {
  const line = `A person cancelled ${runLink(build)}. Nothing was judged; run this check again to build.`;
  return { title: "cancelled: nothing was judged", summary: [{ lines: [line] }, asked(build, options)] };
}

/** Every fault of the policy with its place. */
export function policyParts(build: Build, { policy, faults }: Ended<"policy-wrong">, options: ReportOptions): Parts {
  const count = several(faults.length, "fault");
  const line = `**✖ The policy can't be used**: ${count} in ${code(policy)}. There is no verdict: a policy that can't be read is never taken for none.`;
  const rows = faults.map((fault) => {
    const where = fault.path === "" ? "" : code(fault.path);
    return `| ${fault.line} | ${fault.column} | ${where} | ${prose(fault.message)} |`;
  });
  return {
    title: `policy can't be used: ${count} in ${printable(policy)}`,
    summary: [
      { lines: [line] },
      { before: ["| line | column | where | what is wrong |", "|---:|---:|---|---|"], lines: rows },
      asked(build, options),
    ],
  };
}

/** The workflow can't be started from this tag. */
export function noWorkflowParts(build: Build, { reason }: Ended<"no-workflow">, options: ReportOptions): Parts {
  const lines = [
    `**✖ The workflow can't be started**: ${prose(reason)}`,
    "",
    `What would mend it: ${code(workflowPath(build, options))} has to be in the repository both on the default branch and at the tag. A tag from before the file can't be built; push a new one.`,
  ];
  return {
    title: "not built: the workflow can't be started from this tag",
    summary: [{ lines }, asked(build, options)],
  };
}

/** The git tag makes no tag of an image. */
export function tagParts(build: Build, { reason }: Ended<"tag-unusable">, options: ReportOptions): Parts {
  const lines = [
    `**✖ This git tag makes no tag of an image**: ${prose(reason)}`,
    "",
    "What would mend it: push a tag that makes one, or change the templates of the policy's build.",
  ];
  return {
    title: `not built: ${printable(tagName(build.key.ref))} makes no tag of an image`,
    summary: [{ lines }, asked(build, options)],
  };
}

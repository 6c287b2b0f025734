import { type Build, tagName } from "../build/build.ts";
import { code, link } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";
import type { SignedSummaries } from "./signed-summaries.ts";
import { commitUrl, repositoryUrl, tagUrl } from "./source-links.ts";

/** What a report needs beside the build. */
export interface ReportOptions {
  /** Address of the build's status page. */
  readonly page?: string;
  /** The signed summaries of its verdicts, where there are some. */
  readonly summaries?: SignedSummaries;
  /** The file below `.github/workflows/` where the build names none. */
  readonly workflowFile: string;
  /** The GitHub server, for links before a run tells it. */
  readonly server?: string;
}

/** What was pushed, and what the workflow was asked for. */
export function asked(build: Build, options: ReportOptions): Section {
  const { request } = build;
  const named = (values: Readonly<Record<string, string>>) =>
    Object.entries(values)
      .map(([name, value]) => code(`${name}=${value}`))
      .join(", ");
  const rows: readonly (readonly [string, string])[] = [
    ["pushed", pushed(build, options)],
    ...(request === undefined
      ? []
      : ([
          ["image", request.tags.map((tag) => code(`${request.image}:${tag}`)).join(", ")],
          ["Dockerfile", code(request.dockerfile)],
          ["context", request.context === undefined ? "" : code(request.context)],
          ["target", request.target === undefined ? "" : code(request.target)],
          ["platforms", (request.platforms ?? []).map(code).join(", ")],
          ["build arguments", named(request.buildArgs)],
          ["named contexts", named(request.contexts)],
          ["secrets", request.secrets.map(code).join(", ")],
          ["workflow", code(workflowPath(build, options))],
        ] as const)),
    ["build", link(build.id, options.page)],
  ];
  return {
    before: ["### What was asked for", ""],
    lines: rows.filter(([, value]) => value !== "").map(([name, value]) => `- ${name}: ${value}`),
  };
}

/** The tag, its commit and its repository, with links where it is known where they lead. */
export function pushed(build: Build, { server }: ReportOptions): string {
  const { key, repository } = build;
  const home = repositoryUrl(build, server);
  const name = link(`${repository.owner}/${repository.name}`, home);
  const tag = link(tagName(key.ref), tagUrl(home, key.ref));
  return `tag ${tag} of ${name}, at commit ${link(key.commit.slice(0, 12), commitUrl(home, key.commit))}`;
}

/** The run of the workflow, with its attempt, leading to its log. */
export function runLink({ run }: Build): string {
  return run === undefined ? "the workflow's run" : link(`run ${run.id}, attempt ${run.attempt}`, run.url);
}

/** `.github/workflows/trusted-builds.yml` */
export function workflowPath({ request }: Build, { workflowFile }: ReportOptions): string {
  return `.github/workflows/${(request?.workflow ?? workflowFile).replace(/^\.github\/workflows\//, "")}`;
}

import type { Repository } from "../build/build.ts";
import type { CheckRunReport } from "../build/ports.ts";
import type { ForeseenFile, OnboardingDraft } from "../change/onboarding-state.ts";
import type { PullWords } from "../change/proposal-ports.ts";
import { several } from "./ancestry-words.ts";
import { code, fenced, prose } from "./markdown.ts";
import { fitted, fittedTitle, MAX_MARKDOWN, type Section } from "./markdown-limits.ts";
import { newFileUrl } from "./onboarding-links.ts";

/** Longest body of a pull request, in UTF-8 bytes; GitHub takes 65,536 characters. */
const MAX_BODY = 60_000;

/** Where pages are. */
export interface ProposalOptions {
  readonly server: string;
  /** Of the proposal; undefined where there is none: this server has no public address, or the repository is private. */
  readonly page?: string | undefined;
}

/** What the pull request says that proposes our files. The same draft gives the same words to the byte. */
export function onboardingPull(
  repository: Repository,
  draft: OnboardingDraft,
  withoutWorkflow: boolean,
  { server }: ProposalOptions,
): PullWords {
  const missing = withoutWorkflow ? linksSection(repository, draft, server, isWorkflow) : [];
  const sections: readonly Section[] = [
    { lines: [whatItIs(draft)] },
    ...missing,
    ...verdictSections(draft),
    {
      lines: [
        "Change what is wrong here, and merge it; a tag pushed after that is built and judged. **Close it, and it isn't proposed again.**",
      ],
    },
  ];
  return { title: "Build and judge images with Trusted Builds", body: fitted(sections, MAX_BODY, undefined) };
}

/**
 * What the check run says where the app may not write. It is completed as a success: it says what there is to add, and nothing about the
 * commit, so that it blocks nobody; its name is nobody's required check.
 */
export function onboardingCheck(
  repository: Repository,
  draft: OnboardingDraft,
  { server, page }: ProposalOptions,
): CheckRunReport {
  const when = new Date(draft.madeAt);
  return {
    status: "completed",
    conclusion: "success",
    title: fittedTitle(`${several(draft.files.length, "file")} to add, so that tags are built and judged`),
    summary: fitted(
      [{ lines: [whatItIs(draft)] }, ...linksSection(repository, draft, server, () => true)],
      MAX_MARKDOWN,
      page,
    ),
    text: fitted([...verdictSections(draft), ...fileSections(draft)], MAX_MARKDOWN, page),
    ...(page !== undefined && { detailsUrl: page }),
    startedAt: when,
    completedAt: when,
  };
}

/** Whether a file is one for which GitHub asks for a permission of its own. */
function isWorkflow({ path }: { readonly path: string }): boolean {
  return path.startsWith(".github/workflows/");
}

function whatItIs({ files, isPolicyNew, dockerfiles }: OnboardingDraft): string {
  const names = files.map(({ path }) => code(path)).join(" and ");
  const made = isPolicyNew
    ? `made from the ${several(dockerfiles.length, "Dockerfile")} here; nothing but what they name is in the policy`
    : "which the policy here names and which isn't there";
  return `Trusted Builds builds an image when a tag is pushed, and says whether it and every image it was built from can be trusted. It needs ${names}: ${made}.`;
}

function linksSection(
  repository: Repository,
  draft: OnboardingDraft,
  server: string,
  which: (file: OnboardingDraft["files"][number]) => boolean,
): readonly Section[] {
  const links = draft.files.filter(which).map((file) => {
    const link = newFileUrl(server, repository, draft.defaultBranch, file);
    const told = link?.isFilled === false ? ", whose content is too long for a link: copy it" : "";
    return link === undefined ? `- ${code(file.path)}` : `- [Add ${code(file.path)}](${link.url})${told}`;
  });
  if (links.length === 0) return [];
  return [{ before: ["The app may not write this here. GitHub's editor opens with it:", ""], lines: links }];
}

/** Today's verdicts, by the proposed policy and no other. */
function verdictSections(draft: OnboardingDraft): readonly Section[] {
  const { dockerfiles, aside, moreAside, isPolicyNew } = draft;
  const by = isPolicyNew ? "this policy" : "the policy that is there";
  const rows = dockerfiles.map(({ path, image, state }) => `| ${code(path)} | ${code(image)} | ${stateWords(state)} |`);
  const table: Section = {
    before: [
      `## Today, by ${by}`,
      "",
      "What each image would be if it were built now. A forecast: the image itself isn't there yet.",
      "",
      "| Dockerfile | image | would be |",
      "|---|---|---|",
    ],
    lines: rows,
  };
  const others = aside.length + moreAside;
  const left: Section = {
    before: [`No image is proposed for ${several(others, "other Dockerfile")}; add those that you publish:`, ""],
    lines: [...aside.map((path) => `- ${code(path)}`), ...(moreAside > 0 ? [`- … and ${moreAside} more`] : [])],
  };
  return [...(rows.length > 0 ? [table] : []), ...dockerfiles.flatMap(whySection), ...(others > 0 ? [left] : [])];
}

function stateWords(state: ForeseenFile): string {
  if (state.kind === "refused") return "not built: it can't be read";
  return `**${state.outcome}**`;
}

function whySection({ path, state }: OnboardingDraft["dockerfiles"][number]): readonly Section[] {
  if (state.kind === "refused") {
    const at = `line ${state.line}, column ${state.column}`;
    return [{ lines: [`### ${code(path)}`, "", `- ${at}: ${prose(state.reason)}`] }];
  }
  const faults = state.faults.map(({ code: name, reason, lines: [first] }) => {
    const at = first === undefined ? "" : `, line ${first.line}`;
    return `- ${code(name)}${at}: ${prose(reason)}`;
  });
  const more = state.moreFaults > 0 ? [`- … and ${state.moreFaults} more`] : [];
  const parents = state.parents.map(
    ({ name, role, outcome = "not judged" }) => `| ${code(name)} | ${role} | ${outcome} |`,
  );
  const rest = state.moreParents > 0 ? [`| … and ${state.moreParents} more | | |`] : [];
  return [
    { before: [`### ${code(path)}`, ""], lines: [...faults, ...more] },
    { before: ["| built on | as | is |", "|---|---|---|"], lines: parents.length === 0 ? [] : [...parents, ...rest] },
  ].filter(({ lines }, i) => i === 0 || lines.length > 0);
}

function fileSections({ files }: OnboardingDraft): readonly Section[] {
  return files.map(({ path, text }) => {
    const { before, lines, after } = fenced(text.trimEnd().split("\n"));
    return { before: [`## ${code(path)}`, "", ...before], lines, after };
  });
}

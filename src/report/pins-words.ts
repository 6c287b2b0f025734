import type { Repository } from "../build/build.ts";
import type { CheckRunReport } from "../build/ports.ts";
import type { HeldPin, PinMove, PinsProposal } from "../change/pins-state.ts";
import type { PullWords } from "../change/proposal-ports.ts";
import { several } from "./ancestry-words.ts";
import { code } from "./markdown.ts";
import { fitted, fittedTitle, MAX_MARKDOWN, type Section } from "./markdown-limits.ts";
import { editUrl } from "./onboarding-links.ts";
import type { ProposalOptions } from "./onboarding-words.ts";

/** Longest body of a pull request, in UTF-8 bytes. */
const MAX_BODY = 60_000;

/** What the pull request says that moves pins: each with both digests, and what every file was and would be, by each policy. */
export function pinsPull(proposal: PinsProposal): PullWords {
  const { moves, held } = proposal;
  if (moves.length === 0)
    return {
      title: "Nothing to move: what was proposed here is no longer",
      body: fitted(
        [
          {
            lines: [
              "**Don't merge this.** What it moves pins to isn't trusted any more, or isn't where the tags lead.",
            ],
          },
          ...heldSections(held),
        ],
        MAX_BODY,
        undefined,
      ),
    };
  const what = moves.length === 1 ? "a base image that was" : `${moves.length} base images that were`;
  return {
    title: fittedTitle(`Move the pins of ${what} built anew`),
    body: fitted(
      [
        {
          lines: [
            "Tags of pinned images lead to other digests by now. Each digest here was judged with all its ancestors, and is trusted.",
          ],
        },
        movesSection(moves),
        verdictsSection(proposal),
        ...heldSections(held),
        { lines: ["Close it without merging, and these digests aren't proposed again."] },
      ],
      MAX_BODY,
      undefined,
    ),
  };
}

/**
 * What the check run on the default branch's head says: newer digests that aren't trusted, and those that the app may not propose. A
 * success, since what the commit pins is what it was; a failure would blame the commit for a tag that somebody moved.
 *
 * @param isOffered - Whether what can be moved is in a pull request.
 */
export function pinsCheck(
  repository: Repository,
  proposal: PinsProposal,
  isOffered: boolean,
  { server, page }: ProposalOptions,
): CheckRunReport {
  const { moves, held, defaultBranch } = proposal;
  const told = held.filter(({ why }) => why !== "declined");
  const parts = [
    ...(isOffered || moves.length === 0 ? [] : [`${several(moves.length, "newer digest")} to take`]),
    ...(told.length === 0 ? [] : [`${several(told.length, "newer digest")} not proposed`]),
  ];
  const links: Section = {
    before: ["The app may not write here, or somebody has pushed to its branch. To move them yourself:", ""],
    lines: moves.map(({ path, line, name, to }) => {
      const url = editUrl(server, repository, defaultBranch, path);
      const at = url === undefined ? code(path) : `[${code(path)}](${url})`;
      return `- ${at}, line ${line}: write ${code(`${name}@${to}`)}`;
    }),
  };
  return {
    status: "completed",
    conclusion: "success",
    title: fittedTitle(parts.length === 0 ? "nothing to move" : parts.join("; ")),
    summary: fitted(
      [...heldSections(held), ...(isOffered || moves.length === 0 ? [] : [links, verdictsSection(proposal)])],
      MAX_MARKDOWN,
      page,
    ),
    ...(page !== undefined && { detailsUrl: page }),
  };
}

function movesSection(moves: readonly PinMove[]): Section {
  return {
    before: ["| file | image | from | to |", "|---|---|---|---|"],
    lines: moves.map(
      ({ path, line, name, from, to }) =>
        `| ${code(path)}, line ${line} | ${code(name)} | ${code(from)} | ${code(to)} |`,
    ),
  };
}

function verdictsSection({ verdicts }: PinsProposal): Section {
  return {
    before: ["| Dockerfile | image | by the policy of | now | with the newer digests |", "|---|---|---|---|---|"],
    lines: verdicts.map(
      ({ path, image, policy, before, after }) =>
        `| ${code(path)} | ${code(image)} | the ${policy} | ${before} | **${after}** |`,
    ),
  };
}

function heldSections(held: readonly HeldPin[]): readonly Section[] {
  const told = held.filter(({ why }) => why !== "declined");
  if (told.length === 0) return [];
  return [
    {
      before: ["Not proposed:", "", "| file | image | newer digest | why |", "|---|---|---|---|"],
      lines: told.map(
        ({ path, line, name, to, why }) =>
          `| ${code(path)}, line ${line} | ${code(name)} | ${code(to)} | ${whyWords(why)} |`,
      ),
    },
  ];
}

function whyWords(why: HeldPin["why"]): string {
  switch (why) {
    case "untrusted":
      return "it isn't trusted, or something below it isn't";
    case "undetermined":
      return "not all of it could be looked at; it is tried again";
    case "not-judged":
      return "policy doesn't ask what it is";
    case "older":
      return "it was signed before the one that is pinned";
    case "declined":
      return "somebody said no to it";
  }
}

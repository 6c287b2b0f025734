import type { PullCheck } from "../change/pull.ts";
import type { PinsAnswer, PinsNotWritten } from "../change/pull-pins.ts";
import { several } from "./ancestry-words.ts";
import { link } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";
import type { PullLinks } from "./pull-links.ts";
import { SHORT_DIGEST } from "./short-reference.ts";

/** What became of a click on the button that pins, for who looks at the check run again. */
export function pinsNote({ pins }: PullCheck, links: PullLinks): readonly Section[] {
  const answer = pins?.answer;
  return answer === undefined ? [] : [{ before: ["### Pin digests", ""], lines: [`- ${wordsOf(answer, links)}`] }];
}

/** Whether the button has nothing left to do. */
export function arePinsWritten({ pins }: PullCheck): boolean {
  return pins?.answer !== undefined && pins.answer.kind !== "not-written";
}

function wordsOf(answer: PinsAnswer, links: PullLinks): string {
  switch (answer.kind) {
    case "committed":
      return `${several(answer.pins, "digest")} written: ${link(answer.commit.slice(0, SHORT_DIGEST), links.commit(answer.commit))}; the new head is judged by itself`;
    case "proposed":
      return `${several(answer.pins, "digest")} proposed: ${link(`#${answer.pull}`, links.otherPull(answer.pull))}, since the branch takes no commits of the app's`;
    case "suggested": {
      const left =
        answer.leftOut === 0
          ? ""
          : `; ${answer.leftOut} more can't be suggested on this pull request: what to write is below`;
      return `${several(answer.pins, "digest")} suggested as changes on ${link("the pull request", links.pull)}${left}`;
    }
    case "not-written":
      return `nothing was written: ${WHY[answer.why]}`;
  }
}

const WHY: Readonly<Record<PinsNotWritten, string>> = {
  "not-a-writer": "whoever clicked may not write to this repository",
  "not-permitted":
    "the app may not write here, nor suggest changes; its owner can let it, and what to write at which line is below",
  "moved-on": "the branch has moved on since it was judged; the button of the newer check pins what that one judges",
  taken: "there is a branch of the app's name with something else in it; delete it, and click again",
  refused: "the owner's rules, or GitHub, don't take it in this way; what to write at which line is below",
  "no-repository": "the repository that the pull request comes from is gone",
  "not-shown":
    "the lines are none that this pull request shows, so that nothing can be suggested on them; they are named below",
  "nothing-to-pin": "nothing that was judged can be pinned where it stands",
  "could-not-look": "GitHub or the store could not be asked, to the last try; click again later",
};

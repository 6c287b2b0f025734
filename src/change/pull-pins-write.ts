import { digestOf } from "../image/digest.ts";
import { OUR_BRANCHES, type PullRequest, WriteRefused } from "./ports.ts";
import { commitOnNew, hasFiles, refusable } from "./proposal-write.ts";
import type { PullJob } from "./pull-check.ts";
import type { PinsAnswer, PinsNotWritten } from "./pull-pins.ts";
import { type JudgedPin, namedPins, type PinnedFile, pinnedFiles, suggestionsOf } from "./pull-pins-text.ts";
import type { PullPorts } from "./pull-ports.ts";

const TITLE = "Pin base images to digests";

/** So many lines one review suggests. */
const MAX_SUGGESTIONS = 50;

/** Who asked, and for what: the pull request as GitHub has it now, whose head is the one that was judged. */
interface Wanted {
  readonly job: PullJob;
  readonly pull: PullRequest;
  readonly files: readonly PinnedFile[];
}

/**
 * Writes the digests that were judged, by the first way that is open: a commit on the branch, a pull request against it where it is
 * protected, suggested changes. Each way looks first for what a killed try has left, and writes on the judged commit or not at all.
 *
 * @param by - Who clicked: asked about again each time, since whoever waits for a slot may have lost their right to it.
 * @throws {CouldNotLook} and may be called again.
 */
export async function writePins(
  ports: PullPorts,
  { job, pull, judged, by }: Omit<Wanted, "files"> & { readonly judged: readonly JudgedPin[]; readonly by: string },
): Promise<PinsAnswer> {
  const { permissions } = ports.pins;
  const { repository, head } = job;
  if (!(await permissions.mayWrite(repository, by))) return notWritten("not-a-writer");
  if (pull.head.commit !== head.commit) return notWritten("moved-on");
  const from = pull.head.repository;
  if (from === undefined) return notWritten("no-repository");
  const files = await pinnedFiles(ports.sources, repository, head.commit, judged);
  if (files.length === 0) return notWritten("nothing-to-pin");
  const may = await permissions.readWriting(repository);
  const wanted = { job, pull, files };
  // A fork's branch isn't ours to write, whoever its owner lets: the app was given the base repository alone.
  if (from.id === repository.id && may.contents) {
    const answer = await commitPins(ports, wanted);
    if (answer !== "protected" && answer !== "not-permitted") return answer;
    if (answer === "protected" && may.pullRequests) return proposePins(ports, wanted);
  }
  return may.pullRequests ? suggestPins(ports, wanted) : notWritten("not-permitted");
}

async function commitPins(
  ports: PullPorts,
  { job, pull, files }: Wanted,
): Promise<PinsAnswer | "protected" | "not-permitted"> {
  const { repository, head } = job;
  const { branch } = pull.head;
  const message = `${TITLE}\n\n${namedPins(files, "")}\n\nAs judged at ${head.commit}.`;
  const pins = countOf(files);
  try {
    const commit = await ports.pins.commits.commit(repository, {
      branch,
      isNew: false,
      on: head.commit,
      message,
      files: files.map(({ path, text }) => ({ path, bytes: new TextEncoder().encode(text) })),
    });
    return { kind: "committed", commit, pins };
  } catch (error) {
    if (!(error instanceof WriteRefused)) throw error;
    if (error.code === "invalid") return notWritten("refused");
    if (error.code !== "moved-on") return error.code;
  }
  // It may be that we moved it ourselves, and never heard so.
  const tip = await ports.pins.commits.readBranch(repository, branch);
  const isThere = tip !== undefined && tip !== head.commit && (await hasFiles(ports, repository, tip, files));
  return isThere ? { kind: "committed", commit: tip, pins } : notWritten("moved-on");
}

/** Each head has a branch of its own, so that an older proposal, and what somebody pushed onto it, is never written over. */
async function proposePins(ports: PullPorts, { job, pull, files }: Wanted): Promise<PinsAnswer> {
  const { repository, number, head } = job;
  const { commits, writer } = ports.pins;
  const branch = `${OUR_BRANCHES}pins-${number}-${head.commit.slice(0, 12)}`;
  const message = `${TITLE}\n\n${namedPins(files, "")}\n\nAs judged at ${head.commit}.`;
  const made = await commitOnNew({ commits, sources: ports.sources }, repository, {
    branch,
    on: head.commit,
    message,
    files,
  });
  if (made.kind !== "committed") return notWritten(made.kind);
  const answer = (pull: number): PinsAnswer => ({ kind: "proposed", pull, pins: countOf(files) });
  const known = await writer.findFromBranch(repository, branch);
  if (known?.isOpen === true) return answer(known.number);
  const opened = await refusable(async () => ({
    kind: "opened" as const,
    number: await writer.open(repository, {
      branch,
      base: pull.head.branch,
      title: TITLE,
      body: `Asked for on #${number}, whose branch takes no commits of the app's. The digests are those that were judged there:\n\n${namedPins(files, "`")}`,
    }),
  }));
  return "number" in opened ? answer(opened.number) : notWritten("refused");
}

/** GitHub takes suggestions on lines that the pull request shows, and refuses a review whole: then those on new files are left. */
async function suggestPins(ports: PullPorts, wanted: Wanted): Promise<PinsAnswer> {
  const { outcome } = wanted.job;
  const judged = outcome?.kind === "judged" ? outcome.files : [];
  const among = (isShown: (file: (typeof judged)[number]) => boolean) => {
    const paths = new Set(judged.filter(isShown).map(({ path }) => path));
    return wanted.files.filter(({ path }) => paths.has(path));
  };
  const touched = among(({ isTouched }) => isTouched);
  const added = among(({ isTouched, before }) => isTouched && before.kind === "absent");
  for (const files of new Set([touched, added.length < touched.length ? added : touched])) {
    const answer = files.length === 0 ? undefined : await reviewPins(ports, wanted, files);
    if (answer !== undefined) return answer;
  }
  return notWritten("not-shown");
}

/** @returns undefined where GitHub doesn't take the lines. */
async function reviewPins(
  ports: PullPorts,
  { job, files: all }: Wanted,
  files: readonly PinnedFile[],
): Promise<PinsAnswer | undefined> {
  const { repository, number, head } = job;
  const suggestions = files.flatMap(suggestionsOf).slice(0, MAX_SUGGESTIONS);
  const shown = new Set(suggestions.map(({ path, line }) => `${line} ${path}`));
  const pins = files.reduce(
    (sum, file) =>
      sum + file.pins.filter(({ place }) => shown.has(`${lineOf(file.before, place.start)} ${file.path}`)).length,
    0,
  );
  const answer: PinsAnswer = { kind: "suggested", pins, leftOut: countOf(all) - pins };
  // The same suggestions on the same head, whichever check was asked.
  const mark = `<!-- trusted-builds pins ${digestOf(new TextEncoder().encode(JSON.stringify(suggestions)))} -->`;
  if (await ports.pins.reviews.hasReview(repository, number, { commit: head.commit, mark })) return answer;
  try {
    await ports.pins.writer.suggest(repository, number, {
      commit: head.commit,
      body: `${TITLE}, as judged at ${head.commit}:\n\n${namedPins(files, "`")}\n\n${mark}`,
      suggestions,
    });
    return answer;
  } catch (error) {
    if (!(error instanceof WriteRefused)) throw error;
    if (error.code === "invalid") return undefined;
    return notWritten(error.code === "not-permitted" || error.code === "moved-on" ? error.code : "refused");
  }
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function countOf(files: readonly PinnedFile[]): number {
  return files.reduce((sum, { pins }) => sum + pins.length, 0);
}

function notWritten(why: PinsNotWritten): PinsAnswer & { readonly kind: "not-written" } {
  return { kind: "not-written", why };
}

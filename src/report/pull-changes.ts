import type { PullFile } from "../change/pull.ts";
import { markOfParent, resolvedReference, wordOfParent } from "./forecast-parents.ts";
import { code, link } from "./markdown.ts";
import type { Section } from "./markdown-limits.ts";
import { SHAPES } from "./marks.ts";
import { type ParentChange, parentChanges, type SeenParent } from "./parent-change.ts";
import type { PullLinks } from "./pull-links.ts";
import type { FileOutcome, ShownFile } from "./pull-shown.ts";
import { shortReference } from "./short-reference.ts";

/** A file's state in a sign and words. */
export const FILE_WORDS: Readonly<Record<FileOutcome, string>> = {
  trusted: `${SHAPES.good} trusted`,
  untrusted: `${SHAPES.bad} untrusted`,
  undetermined: `${SHAPES.unknown} undetermined`,
  refused: `${SHAPES.bad} can't be read`,
  absent: "not there",
};

/** What a pull request changes for trust: each file's verdict before and after, and the images that come, go and move. */
export function changeSections(files: readonly ShownFile[], branch: string, links: PullLinks): readonly Section[] {
  const changes = files.flatMap((file) => changesOf(file).map((change) => changeLine(change, file, files.length > 1)));
  const isSame = changes.length === 0 && files.every(({ before, after }) => before === after);
  return [
    {
      before: [
        "### What changes for trust",
        "",
        `| Dockerfile | on ${code(branch)} | with this pull request | check |`,
        "|---|---|---|---|",
      ],
      lines: files.map((file) => fileRow(file, links)),
    },
    ...(isSame ? [{ lines: ["Nothing changes: the same images go in, and are judged as before."] }] : []),
    ...(changes.length === 0 ? [] : [{ lines: changes }]),
  ];
}

/** The images that come, go and move; nothing where it isn't kept what there was. */
export function changesOf({ file, forecastsBefore, forecastsAfter, isWhole }: ShownFile): readonly ParentChange[] {
  const { before, after } = file;
  const isKept = before.kind !== "judged" || before.forecasts.length === forecastsBefore.length;
  // Of what can't be read nothing is known to have come or gone.
  return isKept && isWhole && before.kind !== "refused" && after.kind !== "refused"
    ? parentChanges(forecastsBefore, forecastsAfter)
    : [];
}

/** `gained on linux/amd64`: what became of a parent. */
export const CHANGE_WORDS: Readonly<Record<ParentChange["kind"], string>> = {
  gained: "gained",
  lost: "lost",
  moved: "moved",
  "judged-otherwise": "judged otherwise",
};

/** What policy builds of a file: the image, and the stage. */
export function builtAs({ build }: PullFile): readonly string[] {
  return build === undefined ? [] : [build.image, ...(build.target === undefined ? [] : [`target ${build.target}`])];
}

function fileRow({ file, before, after, conclusion }: ShownFile, links: PullLinks): string {
  const { path, previousPath, isTouched } = file;
  const name = after === "absent" ? code(path) : link(path, links.file(path));
  const as = builtAs(file).map(code).join(", ");
  const notes = [
    ...(as === "" ? [] : [` → ${as}`]),
    ...(previousPath === undefined ? [] : [` (was ${code(previousPath)})`]),
    ...(isTouched ? [] : [" (not touched)"]),
  ];
  return `| ${name}${notes.join("")} | ${FILE_WORDS[before]} | ${FILE_WORDS[after]} | ${after === "absent" ? "" : code(conclusion)} |`;
}

function changeLine({ kind, from, to, platforms }: ParentChange, { file }: ShownFile, isOneOfSeveral: boolean): string {
  const where = isOneOfSeveral ? ` of ${code(file.path)}` : "";
  const on = platforms.length < file.platforms.length ? ` on ${platforms.map(code).join(", ")}` : "";
  return `- ${CHANGE_WORDS[kind]}${on}, ${(to ?? from)?.role}${where}: ${[from, to]
    .flatMap((each) => each ?? [])
    .map(seenWords)
    .join(" → ")}`;
}

function seenWords(parent: SeenParent): string {
  const outcome = parent.outcome ?? null;
  return `${SHAPES[markOfParent(outcome)]} ${code(shortReference(resolvedReference(seenDocument(parent))))} (${wordOfParent(outcome, parent)})`;
}

/** As {@link resolvedReference} takes it. */
export function seenDocument({ name, tag, digest, reference }: SeenParent): Parameters<typeof resolvedReference>[0] {
  return { name, tag: tag ?? null, digest: digest ?? null, reference };
}

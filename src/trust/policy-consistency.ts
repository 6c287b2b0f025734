import { imageName, parseReference } from "../image/reference.ts";
import { capturesOf } from "./builder.ts";
import { compileGlob } from "./glob.ts";
import { judgedName, mirrorOf } from "./mirror.ts";
import type { PolicyFile } from "./policy-schema.ts";
import { type Inconsistency, signersOf } from "./policy-signers.ts";

/**
 * What is wrong with a policy of which each part is of its form.
 *
 * @param server - The GitHub server that is meant where an entry names none (RULES R10).
 */
export function inconsistenciesOf(value: PolicyFile, server: string): readonly Inconsistency[] {
  return [...repeated(value), ...withoutCapture(value), ...signersOf(value, server).faults, ...ofMirrors(value)];
}

/** Entries of which only the first would ever be looked at. */
function repeated(value: PolicyFile): readonly Inconsistency[] {
  const lists: readonly { readonly path: readonly string[]; readonly keys: readonly unknown[] }[] = [
    { path: ["builds"], keys: value.builds.map(({ image }) => imageName(parseReference(image))) },
    { path: ["trust", "roots"], keys: value.trust.roots.map(({ image }) => parseReference(image).digest) },
  ];
  return lists.flatMap(({ path, keys }) =>
    keys.flatMap((key, i) =>
      keys.indexOf(key) < i ? [{ place: [...path, i, "image"], message: `${key} stands twice in this list` }] : [],
    ),
  );
}

function withoutCapture({ trust }: PolicyFile): readonly Inconsistency[] {
  return trust.builders.flatMap((builder, i) => {
    const captures = capturesOf(builder);
    return builder.images.flatMap((pattern, k) => {
      const missing = captures.filter((capture) => !compileGlob(pattern).captures.includes(capture));
      const message = `{${missing.join("}, {")}} of source or signer must be in the image's pattern too (RULES R4)`;
      return missing.length === 0 ? [] : [{ place: ["trust", "builders", i, "images", k], message }];
    });
  });
}

/** Its parameters would never be compared: the image is judged by the other name. */
function ofMirrors({ trust, builds }: PolicyFile): readonly Inconsistency[] {
  const mirrors = trust.mirrors.map((entry, i) => mirrorOf(entry, `trust.mirrors[${i}]`));
  const message = "trust.mirrors says that it stands for another image; name that one";
  return builds.flatMap(({ image }, i) => {
    const reference = parseReference(image);
    return judgedName({ mirrors }, reference) === imageName(reference)
      ? []
      : [{ place: ["builds", i, "image"], message }];
  });
}

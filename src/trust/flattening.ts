import type { AcceptedProvenance } from "./accepted.ts";
import type { ImageNode } from "./resolve.ts";

/** Arguments of a build by which a tool may write the base's layers anew. */
const SQUASHING: readonly string[] = ["squash"];
const TIMESTAMPS: readonly string[] = ["build-arg:SOURCE_DATE_EPOCH", "source-date-epoch", "rewrite-timestamp"];

/**
 * What in the build's own request explains that the base's layers aren't under the image (RULES R21): layers were made one, or
 * timestamps were rewritten, the base's among them. It tells people what to mend, and excuses nothing.
 *
 * @returns the argument; undefined where nothing of the kind was asked for, or the image doesn't look like it.
 * @see https://github.com/moby/buildkit/issues/4614, https://github.com/moby/buildkit/issues/4805
 */
export function flattenedBy(
  provenances: readonly AcceptedProvenance[],
  image: ImageNode,
  base: ImageNode,
): string | undefined {
  const requests = provenances.flatMap(({ record }) => (record === undefined ? [] : [record.request]));
  const args = requests.flatMap((request) => [request, ...request.nested]).flatMap((each) => Object.entries(each.args));
  const asked = (names: readonly string[]) =>
    args.find(([name, value]) => names.includes(name) && value !== "" && value !== "false");
  const found = isSquashed(image, base) ? asked(SQUASHING) : keepsSteps(image, base) ? asked(TIMESTAMPS) : undefined;
  return found && `${found[0]}=${found[1].slice(0, 40)}`;
}

function isSquashed(image: ImageNode, base: ImageNode): boolean {
  const layers = image.manifest.layers.length;
  return layers === 1 || layers < base.manifest.layers.length;
}

/** Whether the image's history begins with the base's: whoever rewrites timestamps leaves the steps as they are. */
function keepsSteps(image: ImageNode, base: ImageNode): boolean {
  const steps = base.config.history;
  return (
    image.manifest.layers.length >= base.manifest.layers.length &&
    steps.every(({ createdBy, emptyLayer }, i) => {
      const own = image.config.history[i];
      return own !== undefined && own.createdBy === createdBy && own.emptyLayer === emptyLayer;
    })
  );
}

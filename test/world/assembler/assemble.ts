import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { formatPlatform } from "../../../src/image/platform.ts";
import { formatReference } from "../../../src/image/reference.ts";
import { createBaseImages } from "./base-image.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { AssemblyFailed } from "./failure.ts";
import { readFileIn } from "./file-tree.ts";
import { createImageLayout } from "./image-layout.ts";
import type { AssemblyOptions } from "./options.ts";
import { provenanceStatement } from "./provenance.ts";
import { fetchSource } from "./source.ts";
import { assembleStages } from "./stages.ts";

/**
 * Assembles an image for each platform, with the provenance that BuildKit would write beside it, into an OCI image layout.
 *
 * @throws {AssemblyFailed} @throws {CouldNotLook} after which nothing of the layout is to be used.
 */
export async function assemble(
  options: AssemblyOptions,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<void> {
  const startedOn = new Date().toISOString();
  const invocationId = newId();
  const { context } = options;
  say(`load git source ${context.url}#${context.commit}`);
  const source = await fetchSource(context, env);
  const text = readFileIn(source.tree, options.dockerfile);
  if (text === undefined) {
    throw new AssemblyFailed(`failed to read dockerfile: open ${options.dockerfile}: no such file or directory`);
  }
  const dockerfile = parseDockerfile(Buffer.from(text).toString());
  const images = createBaseImages(env);
  try {
    const results = [];
    for (const platform of options.platforms) {
      say(`for ${formatPlatform(platform)}:`);
      const ingredients = { dockerfile, options, platform, source, images, now: startedOn, say };
      results.push({ platform, result: await assembleStages(ingredients) });
    }
    const layout = await createImageLayout(options.layout);
    const platforms = [];
    const built = {
      options,
      dockerfile: dockerfile.text,
      invocationId,
      startedOn,
      finishedOn: new Date().toISOString(),
    };
    for (const { platform, result } of results) {
      const image = await layout.addImage(result, platform);
      const statement = provenanceStatement({ ...built, platform, result, manifest: image.digest });
      platforms.push({ platform, image, attestation: await layout.addAttestation(statement) });
    }
    const index = await layout.finish(platforms, options.tags, startedOn);
    say(`exporting manifest list ${index.digest}`);
    const metadata = {
      "buildx.build.ref": `assembler/assembler/${invocationId}`,
      "containerimage.descriptor": index,
      "containerimage.digest": index.digest,
      "image.name": options.tags.map(formatReference).join(","),
    };
    if (options.metadataFile) await writeFile(options.metadataFile, JSON.stringify(metadata, undefined, 2));
    if (options.iidFile) await writeFile(options.iidFile, index.digest);
  } finally {
    await images.close();
  }
}

/** 25 digits of base 36, as BuildKit names its builds. */
function newId(): string {
  return BigInt(`0x${randomBytes(17).toString("hex")}`)
    .toString(36)
    .padStart(25, "0")
    .slice(-25);
}

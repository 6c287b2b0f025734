import { parseDigest } from "../../../src/image/digest.ts";
import { readDockerfile } from "../../../src/image/dockerfile/read.ts";
import type { DockerfileReading, DockerfileRequest } from "../../../src/image/dockerfile/reading.ts";
import { parsePlatform } from "../../../src/image/platform.ts";
import { formatReference } from "../../../src/image/reference.ts";

/** A digest that is one by its form. */
export const DIGEST = parseDigest(`sha256:${"ab".repeat(32)}`);

/** Reads lines as a file, for linux/amd64 unless the request says otherwise. */
export function read(text: string | readonly string[], request: Partial<DockerfileRequest> = {}): DockerfileReading {
  const file = typeof text === "string" ? text : `${text.join("\n")}\n`;
  return readDockerfile(file, { platform: parsePlatform("linux/amd64"), ...request });
}

/** What is reached, as `name` or `by name` where it isn't a `FROM`, without `docker.io/library/` and `:latest`. */
export function reached(reading: DockerfileReading): readonly string[] {
  return reading.images
    .filter(({ isReached }) => isReached)
    .map(({ by, reference }) => {
      const name = formatReference(reference)
        .replace("docker.io/library/", "")
        .replace(/:latest$/, "");
      return by === "FROM" ? name : `${by} ${name}`;
    });
}

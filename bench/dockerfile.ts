// `npm run bench dockerfile [-- --json]`: Dockerfiles of the corpora read per second of one core's time, from bytes to images, beside
// dockerfile-ast's bare parse of the same files, which finds tokens and resolves nothing. The time is the process's own (user and system),
// so that other processes on the machine don't count. Only the ratio means anything elsewhere.
import { existsSync, readFileSync } from "node:fs";
import { DockerfileParser } from "dockerfile-ast";
import { readDockerfile } from "../src/image/dockerfile/read.ts";
import { DockerfileError } from "../src/image/dockerfile/reading.ts";
import { parsePlatform } from "../src/image/platform.ts";

/** Rounds, each of which gives both ways their turn, so that the machine's moods fall on both. */
const ROUNDS = 5;
/** Milliseconds of one turn, of the process's own time. */
const TURN_MS = 300;

const SHARED = new URL("../../shared/corpora/", import.meta.url).pathname;
const CORPORA = ["dockerfiles", "dockerfiles-buildkit-tests"];
const platform = parsePlatform("linux/amd64");

function measure(files: readonly Uint8Array[]) {
  const ways = {
    ours: (bytes: Uint8Array) => {
      try {
        return readDockerfile(bytes, { platform });
      } catch (error) {
        // Files that BuildKit refuses are part of the corpus, and of the work.
        if (error instanceof DockerfileError) return error;
        throw error;
      }
    },
    parse: (bytes: Uint8Array) => DockerfileParser.parse(new TextDecoder().decode(bytes)).getInstructions(),
  };
  const spent = { ours: { runs: 0, microseconds: 0 }, parse: { runs: 0, microseconds: 0 } };
  for (const way of [ways.ours, ways.parse]) for (const bytes of files) way(bytes);
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ["ours", "parse"] as const) {
      const before = process.cpuUsage();
      let used = 0;
      while (used < TURN_MS * 1000) {
        for (const bytes of files) ways[name](bytes);
        spent[name].runs += files.length;
        const { user, system } = process.cpuUsage(before);
        used = user + system;
      }
      spent[name].microseconds += used;
    }
  }
  const perSecond = ({ runs, microseconds }: { runs: number; microseconds: number }) => (runs / microseconds) * 1e6;
  return { ours: perSecond(spent.ours), parse: perSecond(spent.parse) };
}

if (!existsSync(SHARED)) {
  console.log("dockerfile: ../shared is not there");
} else {
  const rows = CORPORA.map((name) => {
    const cases: { file: string }[] = JSON.parse(readFileSync(`${SHARED}${name}/expected.json`, "utf8"));
    const files = cases.map(({ file }) => readFileSync(`${SHARED}${name}/${file}`));
    const { ours, parse } = measure(files);
    return { corpus: name, files: files.length, ours, parse, ratio: ours / parse };
  });
  if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
  else {
    for (const { corpus, files, ours, parse, ratio } of rows) {
      console.log(
        `${corpus} (${files} files): ${ours.toFixed(0)} read per second, dockerfile-ast parses ${parse.toFixed(0)}: ${ratio.toFixed(2)} times its speed`,
      );
    }
  }
}

// `npm run corpus -- DIR [HOST:PORT]` writes every change of the fault table as image, evidence and expected code.
import { cases, writeCorpus } from "../test/faults/corpus.ts";

const [directory, host = "localhost:5000"] = process.argv.slice(2);
if (directory === undefined) {
  console.error("usage: npm run corpus -- DIR [HOST:PORT]");
  process.exit(2);
}
const wanted = cases();
await writeCorpus(directory, host, wanted);
console.log(`${wanted.length} cases in ${directory}`);

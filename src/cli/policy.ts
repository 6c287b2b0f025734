import { type Command, Option } from "commander";
import { policyJsonSchema } from "../trust/policy-json-schema.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { type CheckSurroundings, policyCheckCommand } from "./policy-check.ts";
import { policyExplainCommand } from "./policy-explain.ts";
import { type WalkOptions, walkArguments, withWalkOptions } from "./walk-options.ts";

const output = () =>
  new Option("--output <form>", "text for people, json for programs").choices(["text", "json"]).default("text");

/** Adds `policy …` to the program. @param end - Takes the exit code. */
export function addPolicyCommands(
  program: Command,
  surroundings: CheckSurroundings,
  end: (code: ExitCode) => void,
): void {
  const policy = program.command("policy").summary("the file that says whose word counts");
  policy
    .command("check")
    .summary("find every fault of a policy file")
    .description(
      `Reads policy files, and tells everything that is wrong with them at once: each with line and column, what stands there, and what may;
and what is hardly meant, as warnings.

--fix asks GitHub for the numbers of the repositories and owners that a policy names, and writes those that it lacks into the file as
repository-id and owner-id: names can change hands, numbers can't. Nothing else in the file changes, a number that is there included. Look
at the difference before you commit it. GitHub is asked in the name of GH_TOKEN or GITHUB_TOKEN, if one is set. A file with faults is left.`,
    )
    .argument("<files...>", "policy files; - is standard input")
    .addOption(output())
    .option("--fix", "write the numbers of repositories and owners into the files", false)
    .addHelpText(
      "after",
      `
Exit codes:
  0  each can be used; there may be warnings
  2  one can't be used, or not be read or written
  3  GitHub didn't tell --fix the numbers of a name: it is left without, the others are written; ask again

Examples:
  trusted-builds policy check .github/trusted-builds.yml
  trusted-builds policy check --fix .github/trusted-builds.yml
  git show main:.github/trusted-builds.yml | trusted-builds policy check -
  trusted-builds policy check --output json policy.yml | jq '.files[].faults'`,
    )
    .action(async (files: string[], options: { output: "text" | "json"; fix: boolean }) => {
      end(await policyCheckCommand({ files, ...options }, surroundings));
    });
  withWalkOptions(policy.command("explain"))
    .summary("say which line of the policy decided on each image of an ancestry")
    .description(
      `Judges an image as verify does, and says for it and for every image that went into it which line of the policy decided: the entry that
accepts its signer, the root, the role, the revocation; of what is refused the entry that came nearest and the condition that isn't met;
and where no line decided, which one would have to be added. Whether to add it is for whoever knows what it lets in.`,
    )
    .addOption(output())
    .addHelpText(
      "after",
      `
Exit codes, as those of verify:
  0  trusted
  1  untrusted
  2  wrong usage, or a policy that can't be used
  3  undetermined: something could not be looked at; ask again
  4  the registry refuses to show IMAGE: log in

Examples:
  trusted-builds policy explain --policy trusted-builds.yml ghcr.io/acme/app:1.4.0
  trusted-builds policy explain --output json ghcr.io/acme/app:1.4.0 | jq '.nodes[].lines'`,
    )
    .action(async (image: string, options: WalkOptions & { output: "text" | "json" }) => {
      end(await policyExplainCommand({ ...options, ...walkArguments(image, options) }, surroundings));
    });
  policy
    .command("schema")
    .summary("print the JSON Schema of policy files, for editors")
    .description(
      `Prints the form of a policy file as JSON Schema 2020-12, with words for each key. Editors that know YAML check and complete a policy by
it. It takes every policy that can be used, and some that can't: policy check finds what it can't.`,
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0  it is printed

Example, with # yaml-language-server: $schema=policy.schema.json as the first line of the policy:
  trusted-builds policy schema >.github/policy.schema.json`,
    )
    .action(() => {
      surroundings.stdout.write(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
      end(EXIT.trusted);
    });
}

import { type Budget, type Expansion, ExpansionError, expand } from "./expansion.ts";
import { readHeredoc } from "./heredoc.ts";
import { type Instruction, readPairs } from "./instructions.ts";
import { faultOfMount, readMount } from "./mounts.ts";
import type { DockerfileRequest, OtherUse } from "./reading.ts";
import { isChecksum, RemoteError, readRemote } from "./remote.ts";
import { refusal } from "./source.ts";
import { type Command, onInstruction, type StageNode } from "./stages.ts";
import { buildArg, readArgs } from "./variables.ts";

/** Longest text of a command that is told, in UTF-16 units. */
const MAX_COMMAND_LENGTH = 80;

/** What is known in a stage, as its instructions go by. */
interface Scope {
  readonly values: Map<string, string>;
  /** Whether the base image may set variables that nobody here knows of. */
  readonly isOpen: boolean;
}

/** A word with variables put in. */
interface Expanded {
  readonly value: string;
  /** Whether nothing that a base image sets could make it another. */
  readonly isCertain: boolean;
}

/**
 * Goes through the instructions of all stages with the variables that hold there, and finds what is fetched or run. In a stage that is
 * reached it refuses what BuildKit refuses then. What a base image sets isn't known: a word with a variable that only it could set
 * stays as it is written, and is never taken for a checksum.
 *
 * @throws {DockerfileError}
 */
export function readStageInputs(
  stages: readonly StageNode[],
  isReached: (stage: StageNode) => boolean,
  globals: ReadonlyMap<string, string>,
  request: DockerfileRequest,
  escapeCharacter: string,
  budget: Budget,
): readonly OtherUse[] {
  const scopes = new Map<StageNode, Scope>();
  const others: OtherUse[] = [];
  for (const stage of stages) {
    if (stage.override !== undefined) {
      scopes.set(stage, { values: new Map(), isOpen: true });
      continue;
    }
    const base = stage.base === undefined ? undefined : scopes.get(stage.base);
    const scope: Scope = {
      values: new Map(base?.values),
      isOpen: base?.isOpen ?? stage.baseName !== "scratch",
    };
    scopes.set(stage, scope);
    const reader = new InputReader(stage, scope, isReached(stage), globals, request, escapeCharacter, budget);
    for (const command of stage.commands) others.push(...reader.read(command));
  }
  return others;
}

class InputReader {
  readonly #stage: StageNode;
  readonly #scope: Scope;
  readonly #isReached: boolean;
  readonly #globals: ReadonlyMap<string, string>;
  readonly #request: DockerfileRequest;
  readonly #escape: string;
  readonly #budget: Budget;

  constructor(
    stage: StageNode,
    scope: Scope,
    isReached: boolean,
    globals: ReadonlyMap<string, string>,
    request: DockerfileRequest,
    escapeCharacter: string,
    budget: Budget,
  ) {
    this.#stage = stage;
    this.#scope = scope;
    this.#isReached = isReached;
    this.#globals = globals;
    this.#request = request;
    this.#escape = escapeCharacter;
    this.#budget = budget;
  }

  read(command: Command): readonly OtherUse[] {
    const { instruction } = command;
    switch (instruction.name) {
      case "ARG":
        this.#declare(instruction);
        return [];
      case "ENV":
        for (const [name, value] of this.#pairs(instruction)) this.#set(name, value);
        return [];
      case "LABEL":
        this.#pairs(instruction);
        return [];
      case "EXPOSE":
      case "STOPSIGNAL":
      case "USER":
      case "VOLUME":
      case "WORKDIR":
        for (const { text } of instruction.words) this.#expand(instruction, text);
        return [];
      case "ADD":
      case "COPY":
        return this.#copy(command);
      case "RUN":
        return this.#run(command);
      default:
        return [];
    }
  }

  #expand(instruction: Instruction, word: string, isHeredoc = false): Expanded {
    const rules = isHeredoc ? { escape: "\\", ignoresQuotes: true } : { escape: this.#escape };
    let expansion: Expansion;
    try {
      expansion = expand(word, this.#scope.values, rules, this.#budget);
      if (!this.#scope.isOpen || expansion.unset.size === 0) return { value: expansion.value, isCertain: true };
      expansion = expand(word, this.#scope.values, { ...rules, keepsUnset: true }, this.#budget);
      return { value: expansion.value, isCertain: false };
    } catch (error) {
      if (!(error instanceof ExpansionError)) throw error;
      const mayBeSet = error.code === "required" && this.#scope.isOpen;
      if (error.code === "too-large" || (this.#isReached && !mayBeSet)) {
        return onInstruction(instruction, () => raise(error));
      }
      return { value: word, isCertain: false };
    }
  }

  #declare(instruction: Instruction): void {
    for (const { name, value } of readArgs(instruction)) {
      const given = buildArg(this.#request, name);
      const inherited = value === undefined ? this.#globals.get(name) : undefined;
      const final = given ?? inherited;
      if (final !== undefined) this.#scope.values.set(name, final);
      else if (value !== undefined) this.#set(name, this.#expand(instruction, value));
    }
  }

  /** What isn't certain is as good as not set here: whoever uses it isn't certain either. */
  #set(name: string, { value, isCertain }: Expanded): void {
    if (isCertain) this.#scope.values.set(name, value);
    else this.#scope.values.delete(name);
  }

  #pairs(instruction: Instruction): readonly (readonly [string, Expanded])[] {
    return readPairs(instruction).map(
      ([name, value]) => [this.#expand(instruction, name).value, this.#expand(instruction, value)] as const,
    );
  }

  #copy({ instruction, lines }: Command): readonly OtherUse[] {
    const flag = (name: string) => instruction.flags.find((each) => each.name === name)?.value ?? "";
    this.#expand(instruction, flag("chown"));
    this.#checkMode(instruction, this.#expand(instruction, flag("chmod")));
    for (const { content, expands } of instruction.heredocs) if (expands) this.#expand(instruction, content, true);
    const checksum = this.#expand(instruction, flag("checksum"));
    const sources = instruction.words.slice(0, -1).filter(({ text }) => !this.#isHeredoc(instruction, text));
    const last = instruction.words.at(-1);
    if (last !== undefined) this.#expand(instruction, last.text);
    const others: OtherUse[] = [];
    for (const { text: word } of sources) {
      const { value, isCertain } = this.#expand(instruction, word);
      const remote = this.#remote(instruction, value);
      if (instruction.name === "COPY") {
        if (remote !== undefined && isCertain) this.#refuse(instruction, "COPY takes no address as its source");
        continue;
      }
      if (remote === undefined && (isCertain || !mayBeAddress(value))) continue;
      const kind = remote?.kind ?? "http";
      const isPinned =
        (isCertain && remote?.isPinned === true) || (checksum.isCertain && isChecksum(kind, checksum.value));
      others.push({ kind, text: value, isPinned, stage: this.#name, isReached: this.#isReached, ...lines });
    }
    if (checksum.value !== "" && checksum.isCertain && (sources.length !== 1 || others.length !== 1)) {
      this.#refuse(instruction, "a checksum is for one address");
    }
    return others;
  }

  #isHeredoc(instruction: Instruction, word: string): boolean {
    if (instruction.json !== undefined) return false;
    try {
      return readHeredoc(word, this.#budget) !== undefined;
    } catch (error) {
      if (!(error instanceof ExpansionError) || error.code === "too-large")
        return onInstruction(instruction, () => raise(error));
      // BuildKit takes it for a path then.
      return false;
    }
  }

  #remote(instruction: Instruction, source: string) {
    try {
      return readRemote(source);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      this.#refuse(instruction, error.message);
      return { kind: "git", isPinned: false } as const;
    }
  }

  #checkMode(instruction: Instruction, { value, isCertain }: Expanded): void {
    if (!isCertain || !/^[0-9]+$/.test(value)) return;
    if (!/^0*[0-7]{1,4}$/.test(value)) this.#refuse(instruction, "the mode is not an octal number up to 7777");
  }

  #run(command: Command): readonly OtherUse[] {
    const { instruction, lines } = command;
    const use = (kind: OtherUse["kind"]): OtherUse => ({
      kind,
      text: firstWords(instruction),
      isPinned: false,
      stage: this.#name,
      isReached: this.#isReached,
      ...lines,
    });
    const value = (name: string) => instruction.flags.findLast((each) => each.name === name)?.value?.toLowerCase();
    const others = [];
    for (const flag of instruction.flags.filter(({ name }) => name === "mount")) {
      let isCertain = true;
      const fields = onInstruction(instruction, () => readMount(flag)).fields.map((field) => {
        if (field.value === undefined) return field;
        const expansion = this.#expand(instruction, field.value);
        isCertain &&= expansion.isCertain;
        return { key: field.key, value: expansion.value };
      });
      const fault = isCertain ? faultOfMount(fields) : undefined;
      if (fault !== undefined) this.#refuse(instruction, fault);
      const type = fields.findLast(({ key }) => key === "type")?.value?.toLowerCase();
      // What a variable of the base image makes of the type isn't known, so that it may be a cache.
      if (type === "cache" || (!isCertain && type?.includes("$"))) others.push(use("cache"));
    }
    const network = value("network");
    if (network !== undefined && !["default", "none", "host"].includes(network)) {
      this.#refuse(instruction, "there is no network of that name");
    }
    if (network !== "none") others.push(use("network"));
    const security = value("security");
    if (security !== undefined && !["sandbox", "insecure"].includes(security)) {
      this.#refuse(instruction, "there is no security mode of that name");
    }
    if (security === "insecure" || instruction.flags.some(({ name }) => name === "device"))
      others.push(use("privileged"));
    return others;
  }

  #refuse({ source, located, at }: Instruction, message: string): void {
    if (this.#isReached) throw refusal(source, located, at, message);
  }

  get #name(): string {
    return this.#stage.name ?? `${this.#stage.index}`;
  }
}

/** Whether a variable that only the base image sets could make an address of it: `ht${X}tp://…` as well as `$X`. */
function mayBeAddress(word: string): boolean {
  const [front = ""] = word.replace(/["'\\`]/g, "").split("$", 1);
  return "http://".startsWith(front) || "https://".startsWith(front);
}

function raise(error: unknown): never {
  throw error;
}

function firstWords({ located, rest, json }: Instruction): string {
  const text = json === undefined ? located.text.slice(rest.start, rest.end) : json.join(" ");
  return text
    .slice(0, 4 * MAX_COMMAND_LENGTH)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_COMMAND_LENGTH);
}

import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { parseEnv } from "node:util";

/** The only ones who may read what has secrets in it: its owner. */
const OWNER_ONLY = 0o600;

/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Variables can't be kept in the file: nothing in it was changed. Never has a value in it. */
export class EnvFileError extends Error {
  readonly code = "env-file-unusable";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EnvFileError";
  }
}

/**
 * The variables of a file, in the form that Node and Docker read (`NAME=value`).
 *
 * @returns nothing where there is no such file.
 * @throws {EnvFileError} where it is there and can't be read: a server that took it for absent would offer itself for set-up.
 */
export function readEnvFile(path: string): Variables {
  return parseEnv(textOf(path));
}

/**
 * Whether variables could be kept there, found out before anything is done that can't be done again.
 *
 * @throws {EnvFileError} also where one of the names has a value already.
 */
export function checkEnvFile(path: string, names: readonly string[]): void {
  extended(path, Object.fromEntries(names.map((name) => [name, "x"])), "");
  try {
    accessSync(dirname(targetOf(path)), constants.W_OK);
  } catch (error) {
    throw new EnvFileError(`${path} can't be written (${codeOf(error)})`, { cause: error });
  }
}

/**
 * Keeps variables at the end of the file, below a comment. It is replaced at once, so that a kill leaves the old or the new one, and is
 * its owner's alone from then on. What stood in it stays as it was.
 *
 * @throws {EnvFileError} where one of them has a value already, or wouldn't be read as it is written.
 */
export function addToEnvFile(path: string, variables: Readonly<Record<string, string>>, comment: string): void {
  const text = extended(path, variables, comment);
  const target = targetOf(path);
  const next = `${target}.${process.pid}.new`;
  try {
    rmSync(next, { force: true });
    const file = openSync(next, "wx", OWNER_ONLY);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, target);
  } catch (error) {
    rmSync(next, { force: true });
    throw new EnvFileError(`${path} can't be written (${codeOf(error)})`, { cause: error });
  }
}

function extended(path: string, variables: Readonly<Record<string, string>>, comment: string): string {
  const before = textOf(path);
  const old: Variables = parseEnv(before);
  const taken = Object.keys(variables).find((name) => (old[name] ?? "").trim() !== "");
  if (taken !== undefined) throw new EnvFileError(`${path} has a value for ${taken}`);
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const after = `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}# ${comment}\n${lines.join("\n")}\n`;
  // A quotation mark that is open at its end would swallow what follows.
  const read: Variables = parseEnv(after);
  if (Object.entries({ ...old, ...variables }).some(([name, value]) => read[name] !== value))
    throw new EnvFileError(`${path} can't be added to: what stands in it doesn't end with its last line`);
  return after;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw new EnvFileError(`${path} can't be read (${codeOf(error)})`, { cause: error });
  }
}

/** Behind a link: the link stays. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return path;
    throw new EnvFileError(`${path} can't be read (${codeOf(error)})`, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "error";
}

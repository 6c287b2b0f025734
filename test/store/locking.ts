// A process that takes the lock of a directory when it is told to: see directory-lock.test.ts.
import { lockDirectory } from "../../src/store/directory-lock.ts";

const [, , directory = ""] = process.argv;
process.on("message", () => {
  lockDirectory(directory, process).then(
    () => process.send?.("locked"),
    (error: Error) => process.send?.(/in use by process \d+/.exec(error.message)?.[0] ?? error.message),
  );
});
process.send?.("ready");

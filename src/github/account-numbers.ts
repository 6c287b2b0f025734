import { z } from "zod";
import type { AccountNumbers } from "../change/proposal-ports.ts";
import { absentOn, ask, type Clients } from "./ask.ts";

const account = z.object({ id: z.int().positive(), login: z.string().min(1) });

/** What GitHub gives as names of accounts: dots and slashes would lead to another question. */
const LOGIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/;

/** Asks in an installation's name; accounts are public. */
export function createAccountNumbers({ octokitFor }: Pick<Clients, "octokitFor">): AccountNumbers {
  return {
    async readAccount({ installation }, name) {
      if (!LOGIN.test(name)) return undefined;
      const octokit = await octokitFor(installation);
      const found = await absentOn(
        [404],
        ask({ asked: `for the number of ${name}` }, account, (request) =>
          octokit.rest.users.getByUsername({ username: name, request }),
        ),
      );
      // GitHub leads from an old name to the account that has it now: that is somebody else's name.
      return found?.login.toLowerCase() === name.toLowerCase() ? found : undefined;
    },
  };
}

import { type Endpoints, text } from "./call.ts";
import { notFound } from "./error.ts";
import { userDocument } from "./repository-document.ts";
import type { State } from "./state.ts";

/** Accounts, which anyone may look at. */
export function userEndpoints(state: State): Endpoints {
  return {
    "GET /users/{username}": {
      kind: "anyone",
      answer(call) {
        const login = text(call, "username").toLowerCase();
        const account = state.owners.get(login) ?? state.people.get(login);
        if (account === undefined) throw notFound();
        const unsaid = {
          bio: null,
          blog: null,
          company: null,
          email: null,
          hireable: null,
          location: null,
          name: null,
        };
        const counts = { followers: 0, following: 0, public_gists: 0, public_repos: 0 };
        const times = { created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z" };
        return { status: 200, body: { ...userDocument(state, account), ...unsaid, ...counts, ...times } };
      },
    },
  };
}

import { type Endpoints, text } from "./call.ts";
import { notFound } from "./error.ts";
import { userDocument } from "./repository-document.ts";
import { personNamed, type Role, type State } from "./state.ts";

/** What GitHub says for a role: two of them have no permission of their own. */
const PERMISSION: Readonly<Record<Role, string>> = {
  admin: "admin",
  maintain: "write",
  write: "write",
  triage: "read",
  read: "read",
  none: "none",
};

/** What people may do. */
export function collaboratorEndpoints(state: State): Endpoints {
  return {
    "GET /repos/{owner}/{repo}/collaborators/{username}/permission": {
      kind: "repository",
      need: { permission: "metadata", level: "read", isPublic: false },
      answer(call) {
        const login = text(call, "username").toLowerCase();
        // People are there from when they first did something.
        if (!state.people.has(login) && !state.owners.has(login)) throw notFound();
        const role = call.repository.collaborators.get(login) ?? (call.repository.isPrivate ? "none" : "read");
        const user = {
          ...userDocument(state, personNamed(state, login)),
          role_name: role,
          permissions: {
            pull: role !== "none",
            triage: !["none", "read"].includes(role),
            push: ["write", "maintain", "admin"].includes(role),
            maintain: ["maintain", "admin"].includes(role),
            admin: role === "admin",
          },
        };
        return { status: 200, body: { permission: PERMISSION[role], role_name: role, user } };
      },
    },
  };
}

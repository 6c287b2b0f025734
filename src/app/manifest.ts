/** The app as `app.yml` has it, where each permission has its reason; a test holds the two together. */
export const APP = {
  name: "trusted-builds",
  description:
    "Builds container images on tag pushes, and says whether an image and every ancestor of it can be trusted.",
  url: "https://github.com/trusted-builds/trusted-builds",
  public: false,
  default_permissions: {
    contents: "read",
    checks: "write",
    actions: "write",
    pull_requests: "read",
    metadata: "read",
  },
  default_events: ["push", "workflow_run", "check_run", "pull_request", "repository"],
} as const;

/** What writing needs beside it, all of it optional (R33). */
export const WRITING = { contents: "write", pull_requests: "write", workflows: "write" } as const;

/** The path that GitHub delivers to. */
export const WEBHOOKS_PATH = "/api/github/webhooks";

/** What GitHub makes an app of. */
export interface Manifest {
  readonly name: string;
  readonly url: string;
  readonly public: boolean;
  readonly default_permissions: Readonly<Record<string, "read" | "write">>;
  readonly default_events: readonly string[];
  readonly hook_attributes: { readonly url: string; readonly active: boolean };
  readonly redirect_url: string;
}

/** The manifest of a server. @param redirectUrl - Where GitHub sends the person back to, with a code. */
export function manifestFor(publicUrl: string, redirectUrl: string, writes: boolean): Manifest {
  return {
    ...APP,
    default_permissions: { ...APP.default_permissions, ...(writes && WRITING) },
    hook_attributes: { url: `${publicUrl}${WEBHOOKS_PATH}`, active: true },
    redirect_url: redirectUrl,
  };
}

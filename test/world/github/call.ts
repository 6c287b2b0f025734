import type { Caller, Need } from "./credentials.ts";
import type { Repository } from "./state.ts";
import type { ParameterValue } from "./validation.ts";

/** A request that fits the description, by someone who may make it. */
export interface Call {
  readonly caller: Caller;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Fits the description; {} if there was none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Full, for links to further pages. */
  readonly url: URL;
}

/** A request about a repository that the caller may make. */
export interface RepositoryCall extends Call {
  readonly repository: Repository;
}

/** What is answered. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How one operation is answered, and to whom. */
export type Endpoint =
  | { readonly kind: "anyone"; answer(call: Call): Promise<Reply> | Reply }
  | { readonly kind: "app"; answer(call: Call): Promise<Reply> | Reply }
  | { readonly kind: "installation"; answer(call: Call): Promise<Reply> | Reply }
  | { readonly kind: "repository"; readonly need: Need; answer(call: RepositoryCall): Promise<Reply> | Reply };

/** By the operation's name. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

/** GitHub's default and limit of entries a page. */
const PER_PAGE = { default: 30, most: 100 };

/** For operations of the app itself, with its JWT. */
export function forApp(answer: (call: Call) => Promise<Reply> | Reply): Endpoint {
  return { kind: "app", answer };
}

/** For operations that anyone who can read a public repository can use. */
export function reading(permission: string, answer: (call: RepositoryCall) => Promise<Reply> | Reply): Endpoint {
  return { kind: "repository", need: { permission, level: "read", isPublic: true }, answer };
}

/** For operations that change something. */
export function writing(permission: string, answer: (call: RepositoryCall) => Promise<Reply> | Reply): Endpoint {
  return { kind: "repository", need: { permission, level: "write", isPublic: false }, answer };
}

/** A parameter that the description has as text. */
export function text({ parameters }: Call, name: string): string {
  return String(parameters[name] ?? "");
}

/** A parameter that the description has as number. */
export function number({ parameters }: Call, name: string): number {
  return Number(parameters[name]);
}

/** One page of a list, and the header that leads to the next ones. */
export function page<T>(
  call: Call,
  all: readonly T[],
): { readonly items: readonly T[]; readonly headers: Record<string, string> } {
  const perPage = Math.min(Math.max(Number(call.parameters.per_page ?? PER_PAGE.default), 1), PER_PAGE.most);
  const current = Math.max(Number(call.parameters.page ?? 1), 1);
  const last = Math.max(Math.ceil(all.length / perPage), 1);
  const link = (to: number, rel: string) => {
    const url = new URL(call.url);
    url.searchParams.set("page", String(to));
    return `<${url}>; rel="${rel}"`;
  };
  const links = current < last ? [link(current + 1, "next"), link(last, "last")] : [];
  return {
    items: all.slice((current - 1) * perPage, current * perPage),
    headers: links.length > 0 ? { link: links.join(", ") } : {},
  };
}

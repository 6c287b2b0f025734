import type { IncomingHttpHeaders } from "node:http";
import type { Problem } from "./problem.ts";

/** A request to one of the server's faces, read whole. */
export interface ApiRequest {
  readonly method: string;
  /** As it came, without the query; not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Who asks, for limits: an address, or what a trusted proxy says it is. */
  readonly client: string;
  /** Of a POST; within the route's limit. */
  readonly body: Uint8Array;
}

/** An answer to it, whole. */
export interface ApiResponse {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Whether anyone who asks for the same address may be given the same bytes, and for how long, in milliseconds. */
  readonly shared?: { readonly ms: number };
  /** How much was read to make it, in bytes, where that may be more than its own: whoever asked for it pays for that. */
  readonly read?: number;
}

/** Answers requests to one address. What it throws is told as a fault of ours. */
export type Handler = (request: ApiRequest) => Promise<ApiResponse>;

/** An address, or many of one form. */
export interface Route {
  readonly method: "GET" | "POST";
  /** @returns the parts of the path that say which, not decoded; undefined where it is another address. */
  match(path: string): readonly string[] | undefined;
  /** Largest body, in bytes. */
  readonly maxBody: number;
  /** By which measure clients are slowed down; `read` if absent. */
  readonly pace?: "read" | "ask";
  /** How many requests of its measure this one counts as at least; 1 if absent. What it was made of may be more. */
  cost?(request: ApiRequest): number;
  handle(request: ApiRequest, parts: readonly string[]): Promise<ApiResponse>;
  /** How its problems are told; as problem details for programs if absent. */
  tell?(problem: Problem, requestId: string | undefined): ApiResponse;
}

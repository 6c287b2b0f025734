import type { PullCheck } from "../change/pull.ts";
import { encodePath } from "./source-links.ts";

/** What a report on a pull request needs beside the check. */
export interface PullReportOptions {
  /** The GitHub server, for links. */
  readonly server: string;
  /** Address of the check's page. */
  readonly page?: string;
}

/** Where things of a pull request are; all in the repository that it is made to, since a fork's commits are there too. */
export interface PullLinks {
  readonly pull: string;
  readonly repository: string;
  readonly head: string;
  readonly base: string;
  /** A file at the head, at a line where one is given. */
  file(path: string, line?: number): string;
  /** Another commit of the repository. */
  commit(id: string): string;
  /** Another pull request of the repository. */
  otherPull(number: number): string;
  /** GitHub's editor on the file, on the branch that the pull request comes from; undefined where that is gone. */
  edit(path: string): string | undefined;
}

/** Links of a check on a server. */
export function pullLinks({ repository, number, head, base }: PullCheck, { server }: PullReportOptions): PullLinks {
  const root = server.replace(/\/+$/, "");
  const home = `${root}/${encodePath(`${repository.owner}/${repository.name}`)}`;
  return {
    repository: home,
    pull: `${home}/pull/${number}`,
    head: `${home}/commit/${encodePath(head.commit)}`,
    base: `${home}/tree/${encodePath(base.branch)}`,
    file: (path, line) =>
      `${home}/blob/${encodePath(head.commit)}/${encodePath(path)}${line === undefined || line < 1 ? "" : `#L${line}`}`,
    commit: (id) => `${home}/commit/${encodePath(id)}`,
    otherPull: (other) => `${home}/pull/${other}`,
    edit: (path) =>
      head.repository === undefined
        ? undefined
        : `${root}/${encodePath(`${head.repository.owner}/${head.repository.name}`)}/edit/${encodePath(head.branch)}/${encodePath(path)}`,
  };
}

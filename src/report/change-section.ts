/** What became of one thing: it is there now, no more, another than before, as it was, or it isn't known. */
export type Sign = "+" | "-" | "~" | "=" | "?";

/** One thing that differs, or one of which it isn't known. */
export interface Entry {
  readonly sign: Sign;
  /** With texts of strangers in it, as they are. */
  readonly words: string;
  /** Of a fault: what would mend it. */
  readonly mend?: string;
}

/** What differs in one respect. */
export interface Section {
  /** With texts of strangers in it, too. */
  readonly title: string;
  readonly entries: readonly Entry[];
}

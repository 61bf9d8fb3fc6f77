// What a configuration file is refused with: every problem at once, each naming its file and line.

export interface Place {
  readonly file: string;
  /** 1 is the first; 0 speaks of the file as a whole. */
  readonly line: number;
}

/** The configuration cannot be used. Programs end with exit code 78 (EX_CONFIG). */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

export function describeProblem(place: Place, problem: string): string {
  return place.line === 0 ? `${place.file}: ${problem}` : `${place.file}:${place.line}: ${problem}`;
}

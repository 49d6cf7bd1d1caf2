/** What a command may know of the world around it. */
export interface Terminal {
  env: NodeJS.ProcessEnv;
  /** The app's directory. */
  cwd: string;
  out(text: string): void;
  err(text: string): void;
}

// Questions to the server that are answered at once.

/** @import { Server } from "../types.d.ts" */

export const SILENT = "The explorer does not answer. Is it still running?";

// `server` holds the functions that Gradio offers to the page, by name; the answer, or { error } where there is none.
/** @type {(server: Server, name: string, question: unknown) => Promise<any>} */
export async function ask(server, name, question) {
  try {
    return (await server[name](question)) ?? { error: SILENT };
  } catch {
    return { error: SILENT };
  }
}

// Questions to the server that are answered at once.

/** @import { Server } from "../types.d.ts" */

export const SILENT = "The explorer does not answer. Is it still running?";

// `server` holds the functions that Gradio offers to the page, by name; the answer, or { error } where there is none.
/** @type {(server: Server, name: string, question: unknown) => Promise<any>} */
export async function ask(server, name, question) {
  try {
    const answer = await server[name](question);
    if (answer) return answer;
  } catch {} // told below, as where Gradio answers nothing
  return { error: await reason() };
}

// Behind a proxy that it was not told of, the explorer serves the page and refuses its questions, with a sentence.
async function reason() {
  try {
    const refused = await fetch("gradio_api/component_server", { method: "POST" });
    return (refused.status === 403 && (await refused.json()).error) || SILENT;
  } catch {
    return SILENT;
  }
}

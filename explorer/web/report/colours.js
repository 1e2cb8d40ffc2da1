// The script of every page that opens from a file: it follows the reader's light or dark, and prints light.

const wanted = matchMedia("(prefers-color-scheme: dark)");
const colours = () => document.documentElement.classList.toggle("dark", wanted.matches);
wanted.addEventListener("change", colours);
addEventListener("beforeprint", () => document.documentElement.classList.remove("dark"));
addEventListener("afterprint", colours);
colours();

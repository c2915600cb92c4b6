// Removes what package-lock.json need not say: download addresses and sponsors' pages. `npm ci` takes both from the
// registry it is set up for. Run through `npm run lock` after every change of a dependency.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
for (const entry of Object.values(lock.packages)) {
  delete entry.resolved;
  delete entry.funding;
}
const text = `${JSON.stringify(lock, null, 2)}\n`;
if (/https?:/.test(text)) throw new Error("package-lock.json still holds an address: a dependency from outside the registry?");
writeFileSync(file, text);

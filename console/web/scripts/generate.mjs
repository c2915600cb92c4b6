// Makes the page's types of the server (generated/api.d.ts) from openapi.json, which `make openapi` writes.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const document = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8"));
const types = await openapiTS(document, { defaultNonNullable: false }); // what has a default may be left out
mkdirSync(new URL("../generated/", import.meta.url), { recursive: true });
writeFileSync(new URL("../generated/api.d.ts", import.meta.url), astToString(types));

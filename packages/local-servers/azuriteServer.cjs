// What `azurite.ts` bundles and starts: Azurite's blob server, which keeps what it has compiled once somebody has asked it
// something. By itself it would do so when it ends, and here it is killed.
const { subscribe } = require("node:diagnostics_channel");
const { flushCompileCache } = require("node:module");
const { setTimeout } = require("node:timers");

const AFTER_MS = 500;
let asked = false;

subscribe("net.server.socket", () => {
  if (asked) return;
  asked = true;
  setTimeout(flushCompileCache, AFTER_MS).unref();
});

require("azurite/dist/src/blob/main.js");

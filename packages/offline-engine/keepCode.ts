// Imported first by commands that load the SDK: what is imported after it is compiled once and for all.
import path from "node:path";
import { useCodeCache } from "./lean/codeCache";
import { projectRoot } from "../command/root";

process.on("exit", useCodeCache(path.join(projectRoot(__dirname), ".build/code"), "sandbox"));

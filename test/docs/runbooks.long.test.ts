import { projectRoot } from "../../packages/command/root";
import { stackNames } from "../../stacks/files";
import { testConfigurations } from "./configurations";

testConfigurations(stackNames(projectRoot(__dirname)).filter((stack) => stack !== "prod"));

export * from "../stacks/control";

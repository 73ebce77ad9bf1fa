import fc from "fast-check";
import { SEED } from "./random";

// A property that fails says its seed and path; without a seed of its own it has this one.
fc.configureGlobal({ seed: SEED });

export default fc;

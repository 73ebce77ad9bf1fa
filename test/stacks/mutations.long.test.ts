import { stackNames } from "../../stacks/files";
import { ROOT } from "./documents";
import { tryNonsense } from "./nonsenseValues";

test.each(stackNames(ROOT))(
  "%s: no value that is nonsense is accepted, and each is named with what is allowed",
  (stack) => {
    const { accepted, unclear, tried } = tryNonsense(stack, 1);
    expect({ accepted, unclear }).toEqual({ accepted: [], unclear: [] });
    expect(tried).toBeGreaterThan(1000);
  },
);

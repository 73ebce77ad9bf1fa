/**
 * Pulumi's SDK loads 10 MB of source to serialise functions, which no test does, and every test file loads the SDK anew.
 * What a test does need of it is loaded when it is used.
 */
import { lazy, SERIALISERS } from "../../packages/offline-engine/lean/sdk";

for (const name of SERIALISERS) {
  jest.mock(name, () => lazy(() => jest.requireActual(name)));
}

import type { PipelinePolicy } from "@azure/core-rest-pipeline";

/** Longest one request to Azure may take; what lasts longer there is asked for again and again. */
export const REQUEST_MS = 20_000;

/**
 * Ends a request that nobody answers. Azure's clients wait as long as the machine does, which for one that a lost region swallowed is
 * minutes, or for ever.
 */
export const patience = (milliseconds = REQUEST_MS): { policy: PipelinePolicy; position: "perCall" } => ({
  position: "perCall",
  policy: {
    name: "patience",
    sendRequest(request, next) {
      request.timeout ||= milliseconds;
      return next(request);
    },
  },
});

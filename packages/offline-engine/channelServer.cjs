/**
 * For `node --require`: lets the process of a policy pack be spoken to over Node.js's own channel instead of gRPC. What
 * the SDK serves, how it unpacks a resource and what it answers stay its own; only the carrier is another. For the five
 * hundred resources of a stack that takes a quarter off the processor time of plan and pack together and 20 to 100 MiB off
 * the plan's memory; a test compares the answers with gRPC's.
 *
 * A request is `{ id, method, message, plain }`: the protocol's message as an array, and beside it the property maps of
 * each resource it holds, which as messages of their own would cost more than all the rest. An answer is
 * `{ id, message }` or `{ id, error }`.
 */
const { registerHooks } = require("node:module");
const { pathToFileURL } = require("node:url");

/** Stands in for the server of @grpc/grpc-js. */
class ChannelServer {
  addService(definition, handlers) {
    process.on("disconnect", () => process.exit());
    process.on("message", ({ id, method, message, plain }) => {
      const request = new definition[method].requestType(message);
      resourcesIn(request).forEach((resource, index) => lend(resource, plain[index]));
      handlers[method]({ request }, (error, answer) =>
        process.send(error ? { id, error: error.message } : { id, message: answer.toArray() }),
      );
    });
  }

  bindAsync(_address, _credentials, done) {
    done(null, 0);
  }
}

function resourcesIn(request) {
  if (request.getResourcesList) return request.getResourcesList();
  return request.getProperties ? [request] : [];
}

/** Gives a message the property maps it came without. */
function lend(resource, { properties, provider }) {
  resource.getProperties = () => ({ toJavaScript: () => properties });
  if (provider) resource.getProvider().getProperties = () => ({ toJavaScript: () => provider });
}

const here = pathToFileURL(module.filename).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "@grpc/grpc-js" && context.parentURL?.includes("/@pulumi/policy/")
      ? { url: here, shortCircuit: true }
      : next(specifier, context),
});

// What the SDK gets in gRPC's place, asked for as such.
module.exports = { ...require("@grpc/grpc-js"), Server: ChannelServer };

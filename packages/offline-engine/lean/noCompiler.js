/** Stands in for ts-node and TypeScript where everything is JavaScript already. */
module.exports = { version: "", register: () => undefined };

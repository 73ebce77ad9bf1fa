// What several productions served whole write may not fit into memory (test/support/scratch.js).
process.env.TMPDIR ??= require("node:os").tmpdir();

/**
 * What takes minutes by itself: whole drills, scaffolds tried to the end, every attack written in every way, production
 * served whole with processes that are killed. `npm run test:long`, weekly in `drills.yml`; all but the served production also on every pull request.
 */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/*.long.test.ts"],
  testPathIgnorePatterns: [],
};

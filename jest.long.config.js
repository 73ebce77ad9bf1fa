/**
 * What takes minutes by itself: whole drills, production served whole with processes that are killed. `npm run test:long`,
 * weekly in `drills.yml`; the drills also on every pull request.
 */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/*.long.test.ts"],
  testPathIgnorePatterns: [],
};

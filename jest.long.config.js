/** What takes minutes by itself: production served whole, with processes that are killed. `npm run test:long`, weekly in `drills.yml`. */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/*.long.test.ts"],
  testPathIgnorePatterns: [],
};

import { POINTS, SHORT, testKilled } from "./killedFailover";
import { Laptop } from "./laptop";

let laptop: Laptop;
beforeAll(async () => {
  laptop = await Laptop.open();
  await laptop.writes(5);
}, 180_000);
afterAll(() => laptop.close());

testKilled(
  () => laptop,
  POINTS.filter(([at]) => !SHORT.includes(at)),
);

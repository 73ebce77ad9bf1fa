import { nameOf } from "../../../packages/wire/urn";
import { JUDGED } from "../engine";
import { holdsData, ensure, noChange, operations, refused, succeeded } from "../expect";
import { Scenario } from "../scenario";

/** From nothing to everything, and then nothing more to do. */
export const DEPLOYMENT: readonly Scenario[] = [
  {
    id: "1.1",
    title: "the first preview and the first update create everything, and nothing else",
    async run(stage) {
      const { preview, first } = await stage.foundation();
      stage.runs.push(preview, first);
      for (const run of [preview, first]) operations(run, ["create *"]);
      const [planned, made] = [preview, first].map(({ steps }) =>
        steps
          .map(({ urn }) => urn)
          .sort()
          .join("\n"),
      );
      ensure(planned === made, "the update created other resources than the preview announced");
    },
  },
  {
    id: "1.2",
    title: "a second update changes nothing",
    async run(stage) {
      const world = await stage.deployed();
      noChange(await stage.up(world));
    },
  },
  {
    id: "1.3",
    title: "a refresh finds no drift, and the update after it nothing to do",
    async run(stage) {
      const world = await stage.deployed();
      noChange(await stage.refresh(world));
      noChange(await stage.up(world, JUDGED));
    },
  },
  {
    id: "1.4",
    title:
      "destroy stops at its preview, before anything is deleted, and everything that holds data is protected",
    notFor: ({ protectData }) => (protectData ? undefined : "protectData is off"),
    async run(stage) {
      const world = await stage.deployed();
      refused(await stage.previewDestroy(world), /cannot be deleted\s+because it is protected/);
      ensure(world.changes().length === 0, "the cloud was touched");
      // The engine names the first protected resource it comes to; that is not every one that holds data.
      const { model } = stage.setting;
      const bare = (await world.recorded())
        .filter(({ type, protect }) => holdsData(model, type) && !protect)
        .map(({ urn }) => nameOf(urn));
      ensure(bare.length === 0, `these hold data and are not protected: ${bare.join(", ")}`);
    },
  },
  {
    id: "1.5",
    title: "destroy without a preview loses nothing that holds data",
    notFor: ({ protectData }) => (protectData ? undefined : "protectData is off"),
    async run(stage) {
      const world = await stage.deployed();
      const { model } = stage.setting;
      const data = [...world.cloud.all()].filter(({ type }) => holdsData(model, type)).map(({ key }) => key);
      ensure(data.length > 0, "nothing in the cloud holds data");
      refused(await stage.destroy(world), /protected/);
      const lost = data.filter((key) => {
        const stored = world.cloud.get(key);
        return stored === undefined || stored.softDeleted;
      });
      ensure(lost.length === 0, `lost: ${lost.join(", ")}`);
      // What was deleted comes back beside the data that stayed.
      succeeded(await stage.up(world, JUDGED));
    },
  },
];

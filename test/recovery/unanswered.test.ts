import { once } from "node:events";
import http from "node:http";
import { buffer } from "node:stream/consumers";
import { AzureStore } from "../../apps/recovery/store/azure/client";
import { PATIENCE, type Patience } from "../../apps/recovery/store/patience";
import { S3Store } from "../../apps/recovery/store/s3/client";
import type { Store } from "../../apps/recovery/store/store";
import { messageOf } from "../../packages/command/errors";

const MIB = 1024 * 1024;
/** Milliseconds, in place of the seconds and minutes of a real store. */
const SHORT: Patience = { first: 250, answer: 250, block: 250, stall: 250 };
const KINDS = ["azure", "s3"] as const;
type Kind = (typeof KINDS)[number];

let answer: http.RequestListener;
let server: http.Server;
let port: number;
beforeAll(async () => {
  server = http.createServer((request, response) => answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as { port: number });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const storeOf = async (kind: Kind, patience = SHORT): Promise<Store> =>
  kind === "azure"
    ? AzureStore.open(
        {
          connectionString: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0LWtleQ==;BlobEndpoint=http://127.0.0.1:${port}/a;`,
        },
        patience,
      )
    : S3Store.open(
        {
          region: "eu-central-1",
          endpoint: `http://127.0.0.1:${port}`,
          credentials: { accessKeyId: "backups", secretAccessKey: "of no use" },
          pathStyle: true,
        },
        patience,
      );

const never = new AbortController().signal;
const read = async (store: Store) => buffer(await store.open("daily", "prod/a", never));
const listed = async (store: Store) => {
  for await (const _ of store.list("daily", "prod/"));
};
const written = { contentType: "text/plain" };

describe.each(KINDS)("a store of kind %s", (kind) => {
  const requests: [string, (store: Store) => Promise<unknown>][] = [
    ["the first", (store) => store.requireContainer("daily")],
    ["a listing", listed],
    ["an object's facts", (store) => store.find("daily", "prod/a")],
    ["a small object", (store) => store.read("daily", "prod/a")],
    ["a large one", read],
    ["a new object", (store) => store.create("daily", "prod/a", Buffer.from("a"), written)],
    ["a block", (store) => store.blocks("daily", "prod/a", written).put(0, Buffer.alloc(8), never)],
    [
      "what is stored of an upload",
      async (store) => store.blocks("daily", "prod/a", written).resume?.(never),
    ],
    ["versions", (store) => store.held("daily", "prod/")],
    ["a deletion", (store) => store.erase("daily", "prod/a")],
    ["a lock", (store) => store.lock("daily", "prod/locks/a").acquire()],
    ["whose a lock is", (store) => store.lock("daily", "prod/locks/a").state()],
  ];
  test("that does not answer keeps nobody waiting, whatever it is asked", async () => {
    answer = () => undefined;
    const store = await storeOf(kind);
    const said = await Promise.all(
      requests.map(async ([what, ask]) => [what, await ask(store).then(() => "an answer", messageOf)]),
    );
    expect(said).toEqual(
      requests.map(([what]) => [what, expect.stringMatching(/no answer within 0\.25 s$/)]),
    );
  });

  /** An object of 3 MiB, of which each answer sends as much as it is told. */
  const content = Buffer.alloc(3 * MIB, "0123456789");
  const sending = (bytesOf: (attempt: number) => number, heedsRange = true) => {
    let attempts = 0;
    answer = (request, response) => {
      const range = request.headers.range ?? request.headers["x-ms-range"] ?? "";
      const from = heedsRange ? Number(/bytes=(\d+)-/.exec(String(range))?.[1] ?? 0) : 0;
      response.writeHead(from > 0 ? 206 : 200, {
        etag: '"one"',
        "content-length": content.length - from,
        ...(from > 0 && { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` }),
      });
      const bytes = bytesOf(attempts++);
      response.write(content.subarray(from, from + bytes));
      if (from + bytes >= content.length) response.end();
    };
    return () => attempts;
  };

  test("that falls silent in the middle of an object is asked for the rest", async () => {
    const attempts = sending(() => 1.25 * MIB);
    expect((await read(await storeOf(kind))).equals(content)).toBe(true);
    expect(attempts()).toBe(3);
  });

  test("that sends no more of an object, whenever it is asked, is given up", async () => {
    const attempts = sending((attempt) => (attempt === 0 ? MIB : 0));
    await expect(read(await storeOf(kind))).rejects.toThrow(/less than 1 MiB came within 0\.25 s/);
    expect(attempts()).toBe(7);
  });

  test("that sends other bytes than it was asked for is not believed", async () => {
    sending(() => 1.25 * MIB, false);
    await expect(read(await storeOf(kind))).rejects.toThrow(
      `asked for the bytes from ${1.25 * MIB} on and sent others`,
    );
  });

  const pages: Record<Kind, string[]> = {
    azure: [`<EnumerationResults><Blobs></Blobs><NextMarker>again</NextMarker></EnumerationResults>`],
    s3: [
      "<R><IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken><NextKeyMarker>again</NextKeyMarker></R>",
      "<R><IsTruncated>true</IsTruncated></R>",
    ],
  };
  test.each(pages[kind])("whose pages lead in a circle is not followed: %s", async (page) => {
    answer = (_request, response) => response.setHeader("content-type", "application/xml").end(page);
    const store = await storeOf(kind, PATIENCE);
    const circle = /its listing leads back to where it has been/;
    await expect(listed(store)).rejects.toThrow(circle);
    await expect(store.held("daily", "prod/")).rejects.toThrow(circle);
    if (kind === "s3")
      await expect(store.endUnfinished("daily", "prod/", new Date())).rejects.toThrow(circle);
  });
});

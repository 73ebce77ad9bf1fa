import { z } from "zod";
import { region } from "./common";

export const serving = z
  .strictObject({
    witness: region
      .optional()
      .describe(
        "Third region, for the account that decides which region serves when one of the two does not answer; neither of them. Changing it makes a new account, in which a failover must write again before it counts. The resource group of what is global (edge, logs, images) is made there too, and stays where it was made.",
      ),
  })
  .prefault({})
  .describe(
    "Bounds what a region that is cut off still tells partners: its gateway calls them only while two of three accounts say that it serves, and for ten minutes after it last heard so. For environments with two regions.",
  );
